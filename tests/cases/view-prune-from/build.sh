. "$PROGRAMS/inline.sh"
