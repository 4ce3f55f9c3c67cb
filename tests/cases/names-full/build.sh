. "$PROGRAMS/names.sh"
