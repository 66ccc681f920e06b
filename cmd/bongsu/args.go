package main

import (
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// flagsFirst puts the flags of a command line before its other arguments. Kong
// takes a list of arguments only where they stand together; people put flags
// between them: @user1 --severity=high "node1 down". What stands after -- is no
// flag.
func flagsFirst(node *kong.Node, args []string) []string {
	var path, flags, rest []string
	for left := args; len(left) > 0; {
		arg := left[0]
		left = left[1:]
		if arg == "--" {
			rest = append(rest, left...)
			break
		}
		if strings.HasPrefix(arg, "-") && arg != "-" {
			flags = append(flags, arg)
			if takesNext(node, arg) && len(left) > 0 {
				flags = append(flags, left[0])
				left = left[1:]
			}
			continue
		}
		if i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == arg }); i >= 0 {
			node = node.Children[i]
			path = append(path, arg)
			continue
		}
		rest = append(rest, arg)
	}
	if len(node.Children) > 0 || len(rest) == 0 {
		return args // no command to be put in order
	}
	return slices.Concat(path, flags, []string{"--"}, rest)
}

// takesNext says whether the argument after a flag of a command is its value.
func takesNext(node *kong.Node, arg string) bool {
	for _, group := range node.AllFlags(false) {
		for _, flag := range group {
			if arg == "--"+flag.Name || flag.Short != 0 && arg == "-"+string(flag.Short) {
				return !flag.IsBool()
			}
		}
	}
	return false
}

// asArgument returns a text as a person types it at a shell: in quotes, where it holds
// what a shell takes for something else.
func asArgument(text string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune("@/._:-", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
