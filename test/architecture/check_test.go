package architecture

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/bongsu-project/bongsu/"

// An Import is one import of one file.
type Import struct {
	File string // slash-separated, from the root of the module
	Path string
}

// imports returns every import of the hand-written Go files of a tree.
func imports(tree fs.FS) ([]Import, error) {
	var all []Import
	err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if file != "." && (file == "gen" || entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(file) != ".go" {
			return nil
		}
		source, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			all = append(all, Import{File: file, Path: name})
		}
		return nil
	})
	return all, err
}

// violations returns the imports that no rule allows, by file.
func violations(all []Import) []string {
	var found []string
	for _, i := range all {
		if why := refusal(i); why != "" {
			found = append(found, i.File+" imports "+i.Path+": "+why)
		}
	}
	slices.Sort(found)
	return found
}

// refusal returns why an import is not allowed, or "" if it is.
func refusal(i Import) string {
	name, ours := strings.CutPrefix(i.Path, module)
	if ours {
		if why := layerRefusal(i.File, name); why != "" {
			return why
		}
	}
	known := !ours
	for _, r := range rules {
		room, ok := match(r.what, name)
		if !ok {
			continue
		}
		known = true
		if !allows(r, i.File, room) {
			return r.why
		}
	}
	if !known {
		return "no rule covers it; add one to test/architecture/rules_test.go"
	}
	return ""
}

// layerRefusal returns why the layer of a file does not allow to import a package of this
// module, or "" if it does. The first layer that the file matches is its layer.
func layerRefusal(file, name string) string {
	for _, l := range layers {
		room, ok := match(l.files, file)
		if !ok {
			continue
		}
		if strings.HasSuffix(file, "_test.go") && !l.tests || strings.HasPrefix(name+"/", room+"/") {
			return ""
		}
		for _, pattern := range l.may {
			if _, ok := match(strings.ReplaceAll(pattern, "$1", firstFolder(l.files, room)), name); ok {
				return ""
			}
		}
		return l.why
	}
	return "no layer covers " + file + "; add one to test/architecture/rules_test.go"
}

// firstFolder returns the folder in a room that the first "*" of its pattern matches.
func firstFolder(pattern, room string) string {
	have := strings.FieldsFunc(room, isSlash)
	for n, part := range strings.FieldsFunc(pattern, isSlash) {
		if part == "*" {
			return have[n]
		}
	}
	return ""
}

// allows reports whether a file may import a package in a room.
func allows(r rule, file, room string) bool {
	if strings.HasSuffix(file, "_test.go") && !r.tests || strings.HasPrefix(file, room+"/") {
		return true
	}
	return slices.ContainsFunc(r.by, func(pattern string) bool {
		_, ok := match(pattern, file)
		return ok
	})
}

// match reports whether a name matches a pattern, and returns the room: the part of the
// name that matches the pattern before "...".
func match(pattern, name string) (room string, ok bool) {
	before, below := strings.CutSuffix(pattern, "...")
	want := strings.FieldsFunc(before, isSlash)
	have := strings.FieldsFunc(name, isSlash)
	if len(have) < len(want) || !below && len(have) != len(want) {
		return "", false
	}
	room = strings.Join(have[:len(want)], "/")
	ok, err := path.Match(strings.Join(want, "/"), room)
	if err != nil {
		panic(fmt.Sprintf("pattern %s: %v", pattern, err)) // a typo in rules_test.go
	}
	return room, ok
}

func isSlash(r rune) bool { return r == '/' }
