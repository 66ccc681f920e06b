package redact_test

import (
	"errors"
	"fmt"

	"github.com/bongsu-project/bongsu/kit/redact"
)

// Escaped forms of a secret are redacted, too.
func ExampleText() {
	fmt.Println(redact.Text("POST /services/T0/B0%2FsecretXYZ: 404", "B0/secretXYZ"))
	// Output: POST /services/T0/[redacted]: 404
}

// An error of a database driver may quote its URL.
func ExampleError() {
	const url = "postgres://app:hunter2hunter2@db:5432/app"
	cause := errors.New("cannot connect to " + url)
	err := redact.Error(cause, url)
	fmt.Println(err)
	fmt.Println(errors.Is(err, cause))
	// Output:
	// cannot connect to postgres://[redacted]@db:5432/app
	// true
}

func ExampleURLSecrets() {
	fmt.Printf("%q\n", redact.URLSecrets("host=db user=app password='two words'"))
	fmt.Printf("%q\n", redact.URLSecrets("https://example.org/hook?token=abc&page=2"))
	// Output:
	// ["two words"]
	// ["abc"]
}
