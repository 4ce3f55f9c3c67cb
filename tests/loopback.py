# SPDX-License-Identifier: BSD-3-Clause
"""Servers for tests: threads of the test's own program, on loopback."""
import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """`asked`: for handlers to note what was asked; `stop`: set when they are to come to an end."""
    daemon_threads = True

    def __init__(self, handler, context=None):
        super().__init__(('127.0.0.1', 0), handler)
        self.asked, self.stop = [], threading.Event()
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.port = self.server_address[1]
        self.url = 'http://127.0.0.1:%d' % self.port

    def handle_error(self, *_):
        pass

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.shutdown()
        self.server_close()
