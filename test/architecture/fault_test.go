package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// TestFaultTexts fails if a sentinel of kit/fault is an argument of fmt.Errorf or
// errors.Join, or is returned or stored as it is: its text ("not found") would be in the text
// for the caller. fault.NotFoundf and the like make such errors.
func TestFaultTexts(t *testing.T) {
	positions, checked := token.NewFileSet(), 0
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name == "gen" || entry.Name() == "node_modules" || name != "." && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(positions, path.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		checked++
		for _, at := range gluedFaults(file) {
			t.Errorf("%s: the text of a fault sentinel is used; call fault.Invalidf, NotFoundf, Existsf or Unavailablef", positions.Position(at))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 100 {
		t.Fatalf("only %d files were found below %s: this test looks in the wrong place", checked, root)
	}
}

func TestGluedFaults(t *testing.T) {
	for body, want := range map[string]int{
		`fmt.Errorf("group %d: %w", 1, fault.ErrNotFound)`: 1,
		`fmt.Errorf("%w: %w", fault.ErrInvalid, err)`:      1,
		`errors.Join(err, fault.ErrInvalid)`:               1,
		`fault.ErrExists.Error()`:                          1,
		`return fault.ErrExists`:                           1,
		`fault.NotFoundf("group %d not found", 1)`:         0,
		`errors.Is(err, fault.ErrNotFound)`:                0,
		`fmt.Errorf("user: %w", err)`:                      0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p; func f() error {\n"+body+"\n}", parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(gluedFaults(file)); got != want {
			t.Errorf("%s: %d findings, want %d", body, got, want)
		}
	}
}

// gluedFaults returns the positions at which a file uses the text of a fault sentinel.
// Unwrap methods return sentinels, because errors.Is asks them.
func gluedFaults(file *ast.File) (found []token.Pos) {
	ast.Inspect(file, func(n ast.Node) bool {
		var used []ast.Expr
		switch n := n.(type) {
		case *ast.FuncDecl:
			return n.Name.Name != "Unwrap"
		case *ast.CallExpr:
			if isSelector(n.Fun, "fmt", "Errorf") || isSelector(n.Fun, "errors", "Join") {
				used = n.Args
			}
		case *ast.ReturnStmt:
			used = n.Results
		case *ast.SelectorExpr:
			if n.Sel.Name == "Error" {
				used = []ast.Expr{n.X}
			}
		}
		for _, e := range used {
			if s, ok := e.(*ast.SelectorExpr); ok && isSelector(s, "fault", s.Sel.Name) && strings.HasPrefix(s.Sel.Name, "Err") {
				found = append(found, e.Pos())
			}
		}
		return true
	})
	return found
}

// isSelector reports whether e is pkg.name.
func isSelector(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}
