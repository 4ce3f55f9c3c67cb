/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The CPU profiler: its interface is the public header. */
#pragma once

#include "gperftools/profiler.h"
