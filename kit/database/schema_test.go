package database_test

import (
	"embed"
	"io/fs"

	"github.com/bongsu-project/bongsu/kit/database"
)

//go:embed testdata/migrations
var testdata embed.FS

// library is the schema of the tests.
var library = database.Schema{Name: "library", Migrations: mustSub(testdata, "testdata")}

func mustSub(files fs.FS, folder string) fs.FS {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		panic(err)
	}
	return sub
}
