. "$PROGRAMS/pie.sh"
