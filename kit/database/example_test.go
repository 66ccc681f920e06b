package database_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// books is the schema of a store. A real one embeds its migrations.
var books = database.Schema{Name: "library", Migrations: fstest.MapFS{
	"migrations/sqlite/0001_books.sql": {Data: []byte("-- +goose Up\nCREATE TABLE books (title TEXT PRIMARY KEY);\n")},
}}

// openLibrary opens a new SQLite database. The caller must call closeAll.
func openLibrary(ctx context.Context) (d *database.Database, closeAll func(), err error) {
	dir, err := os.MkdirTemp("", "library")
	if err != nil {
		return nil, nil, err
	}
	d, err = database.Open(ctx, filepath.Join(dir, "library.db"), books)
	if err != nil {
		return nil, nil, err
	}
	return d, func() { _ = d.Close(); _ = os.RemoveAll(dir) }, nil
}

// Write commits, or rolls back if its function returns an error. A store translates
// violations of its schema into faults.
func ExampleDatabase_Write() {
	ctx := context.Background()
	d, closeAll, err := openLibrary(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	add := func(titles ...string) error {
		return d.Write(ctx, func(ctx context.Context, t *database.Tx) error {
			for _, title := range titles {
				_, err := t.Exec(ctx, "INSERT INTO books (title) VALUES (?)", title)
				if database.IsUniqueViolation(err) {
					return fault.Existsf("book %q already exists", title)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	fmt.Println(add("Emma"))
	fmt.Println(add("Dracula", "Emma"))
	n, _, err := d.QueryInt(ctx, "SELECT count(*) FROM books")
	fmt.Println(n, err)
	// Output:
	// <nil>
	// book "Emma" already exists
	// 1 <nil>
}

// Select reads rows within a snapshot. Texts makes one statement for any number of values.
func ExampleSelect() {
	ctx := context.Background()
	d, closeAll, err := openLibrary(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer closeAll()
	err = d.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, "INSERT INTO books (title) VALUES (?), (?), (?)", "Dracula", "Emma", "Ulysses")
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = d.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		in, titles := t.Texts([]string{"Ulysses", "Dracula", "Hamlet"})
		found, err := database.Select(ctx, t, func(rows *sql.Rows, title *string) error { return rows.Scan(title) },
			"SELECT title FROM books WHERE title IN "+in+" ORDER BY title", titles)
		fmt.Println(found)
		return err
	})
	fmt.Println(err)
	// Output:
	// [Dracula Ulysses]
	// <nil>
}

// A Batcher shares the cost of a commit among concurrent callers.
func ExampleBatcher() {
	b := database.NewBatcher("library", 1, 100, func(string) int { return 1 }, func(_ context.Context, titles []string) error {
		fmt.Println("one commit for", titles)
		return nil
	})
	fmt.Println(b.Do(context.Background(), "Emma"))
	b.Close()
	fmt.Println(b.Do(context.Background(), "Dracula"))
	// Output:
	// one commit for [Emma]
	// <nil>
	// library is closed; try again
}
