// Command migration writes the next migration of each store whose schema differs from
// its migrations: FOLDER/migrations/DIALECT/NNNN_NAME.sql. The statements
// are a draft: review them, above all changes to tables that hold rows.
//
// For PostgreSQL it uses the server of BONGSU_TEST_POSTGRES, or starts one from the
// binaries on the machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/bongsu-project/bongsu/internal/generate/drift"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	accessstore "github.com/bongsu-project/bongsu/services/access/store"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	directorystore "github.com/bongsu-project/bongsu/services/directory/store"
	eventstore "github.com/bongsu-project/bongsu/services/event/store"
	inboxstore "github.com/bongsu-project/bongsu/services/inbox/store"
	incidentstore "github.com/bongsu-project/bongsu/services/incident/store"
	monitorstore "github.com/bongsu-project/bongsu/services/monitor/store"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "migration:", err)
		os.Exit(1)
	}
}

// stores are the schemas of the stores, by their folders.
var stores = map[string]database.Schema{
	"services/access/store":    accessstore.Schema,
	"services/directory/store": directorystore.Schema,
	"services/inbox/store":     inboxstore.Schema,
	"services/incident/store":  incidentstore.Schema,
	"services/monitor/store":   monitorstore.Schema,
	"services/event/store":     eventstore.Schema,
	"services/alert/ledger":    ledger.Schema,
}

// name matches valid names of migrations.
var name = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func run(ctx context.Context, args []string) (err error) {
	if len(args) != 1 || !name.MatchString(args[0]) {
		return errors.New("usage: migration NAME, of a-z, 0-9 and _, such as add_groups")
	}
	server, err := postgrestest.Start(ctx, testenv.Postgres)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	scratch, err := os.MkdirTemp("", "bongsu-migration-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // a folder for temporary files
	for folder, schema := range stores {
		if err := write(ctx, folder, schema, "sqlite", filepath.Join(scratch, schema.Name+".db"), args[0]); err != nil {
			return err
		}
		url, err := server.CreateDatabase(ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(write(ctx, folder, schema, "postgres", url, args[0]), server.DropDatabase(ctx, url)); err != nil {
			return err
		}
	}
	return nil
}

// write writes the next migration of one store in one dialect, unless the schema is
// unchanged.
func write(ctx context.Context, folder string, schema database.Schema, dialect, url, name string) error {
	d, err := database.Open(ctx, url, schema)
	if err != nil {
		return err
	}
	statements, err := drift.Diff(ctx, d, drift.Tables[schema.Name])
	if err = errors.Join(err, d.Close()); err != nil {
		return err
	}
	if statements == "" {
		fmt.Printf("%s, %s: no changes\n", schema.Name, dialect)
		return nil
	}
	migrations := filepath.Join(folder, "migrations", dialect)
	files, err := filepath.Glob(filepath.Join(migrations, "*.sql"))
	if err != nil {
		return err
	}
	path := filepath.Join(migrations, fmt.Sprintf("%04d_%s.sql", len(files)+1, name))
	fmt.Println(path)
	// A migration is a transaction, in which these two have no effect; the store turns
	// foreign keys off while it migrates.
	statements = strings.NewReplacer("PRAGMA foreign_keys = off;\n", "", "PRAGMA foreign_keys = on;\n", "").Replace(statements)
	return os.WriteFile(path, []byte("-- +goose Up\n"+statements), 0o644)
}
