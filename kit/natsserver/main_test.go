package natsserver_test

import (
	"os"
	"testing"
)

// exampleDir is the folder of the examples.
var exampleDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "natsserver")
	if err != nil {
		panic(err)
	}
	exampleDir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}
