# shellcheck shell=bash
#
# Completion for bash: msgraphctl itself says which commands and options it has.

# The words that may follow: the commands, or the options of one ($2).
_msgraphctl_words() {
	if [ -z "$2" ]; then
		"$1" -h 2>/dev/null | sed -n '/^commands:/,$ s/^  \([a-z-]*\) .*/\1/p'
	fi
	"$1" ${2:+"$2"} -h 2>/dev/null |
		sed -n '/^  -/ {
			h; s/^  \(-[A-Za-z]\)[, ].*/\1/p
			g; s/^  \(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p
		}'
}

_msgraphctl() {
	local command='' i IFS=$'\n'
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c) ((i++)) ;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	# what follows is a file or an operand, which bash and the user know
	if [ -n "$command" ] && [[ $2 != -* ]] || [ "$3" = -c ]; then
		return
	fi
	mapfile -t COMPREPLY < <(
		compgen -W "$(_msgraphctl_words "$1" "$command")" -- "$2"
	)
}

complete -o default -F _msgraphctl msgraphctl
