. "$PROGRAMS/prog.sh"
