. "$PROGRAMS/lib.sh"
