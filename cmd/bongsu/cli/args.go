package cli

import (
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// flagsFirst returns args with the flags before the other arguments. Kong accepts a
// list of arguments only if they are adjacent, but people put flags between them:
// @user1 --severity=high "node1 down". Arguments after -- are not flags.
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
		return args // no command with arguments
	}
	return slices.Concat(path, flags, []string{"--"}, rest)
}

// repeated returns the first flag that takes one value and is set twice, or "". Kong
// would silently drop one of the values.
func repeated(node *kong.Node, args []string) string {
	seen := map[string]bool{}
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		arg := args[i]
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			if next := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == arg || slices.Contains(n.Aliases, arg) }); next >= 0 {
				node = node.Children[next]
			}
			continue
		}
		name, _, _ := strings.Cut(arg, "=")
		flag := findFlag(node, name)
		if flag == nil {
			continue
		}
		if seen[flag.Name] && !flag.IsCumulative() {
			return "--" + flag.Name
		}
		seen[flag.Name] = true
		if takesNext(node, arg) {
			i++
		}
	}
	return ""
}

// findFlag returns the flag that is written as --name, --no-name, -n or --alias, or nil.
func findFlag(node *kong.Node, written string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, flag := range group {
			if written == "--"+flag.Name || written == "--no-"+flag.Name || flag.Short != 0 && written == "-"+string(flag.Short) {
				return flag
			}
			if alias, ok := strings.CutPrefix(written, "--"); ok && slices.Contains(flag.Aliases, alias) {
				return flag
			}
		}
	}
	return nil
}

// takesNext reports whether the argument after a flag is its value.
func takesNext(node *kong.Node, arg string) bool {
	flag := findFlag(node, arg)
	return flag != nil && !flag.IsBool()
}

// asArgument returns text as a shell argument, quoted if it holds characters that are
// special to a shell.
func asArgument(text string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune("@/._:-", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
