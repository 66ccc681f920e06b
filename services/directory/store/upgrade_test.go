package store_test

import (
	"context"
	"io/fs"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/directory/store"
)

// TestUpgrade proves that users from the first schema version are kept: with rank 0,
// and without failover and quiet hours.
func TestUpgrade(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { upgrade(t, filepath.Join(t.TempDir(), "directory.db")) })
	t.Run("postgres", func(t *testing.T) { upgrade(t, postgrestest.URL(t)) })
}

func upgrade(t *testing.T, url string) {
	files := fstest.MapFS{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		name := "migrations/" + dialect + "/0001_initial.sql"
		text, err := fs.ReadFile(store.Schema.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	old, err := database.Open(t.Context(), url, database.Schema{Name: store.Schema.Name, Migrations: files})
	if err != nil {
		t.Fatal(err)
	}
	err = old.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
		if _, err := x.Exec(ctx, `INSERT INTO users (id, nickname) VALUES (1, 'kim')`); err != nil {
			return err
		}
		_, err := x.Exec(ctx, `INSERT INTO users_messengers (id, user_id, service_type, token, target) VALUES (1, 1, 'slack', 'sealed', 'C1')`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, url).User(t.Context(), "kim")
	want := directory.User{ID: 1, Nickname: "kim", Addresses: []directory.Address{
		{ID: 1, Messenger: "slack", SealedCredential: []byte("sealed"), Destination: "C1"},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the user is %+v, %v; want %+v", got, err, want)
	}
}
