package texttemplate_test

import (
	"errors"
	"fmt"

	"github.com/bongsu-project/bongsu/kit/texttemplate"
)

func ExampleParse() {
	t, err := texttemplate.Parse(`{{.severity | upper}}: {{.message}}{{with .link}} ({{.}}){{end}}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Execute(map[string]any{"severity": "critical", "message": "db1 is down"}))
	// Output: CRITICAL: db1 is down <nil>
}

// Templates of users run in a sandbox: what they cannot do is an error.
func ExampleParse_refused() {
	_, err := texttemplate.Parse(`{{define "loop"}}{{template "loop"}}{{end}}`)
	fmt.Println(err)
	// Output: template must not define template "loop"
}

// A strict template fails if a field that it prints is missing.
func ExampleParseStrict() {
	t, err := texttemplate.ParseStrict(`{{.host}} is down`)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = t.Execute(map[string]any{"hostname": "db1"})
	fmt.Println(err)
	fmt.Println(errors.Is(err, texttemplate.ErrMissing))
	// Output:
	// .host is missing or empty
	// true
}
