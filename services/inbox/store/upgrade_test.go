package store_test

import (
	"context"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/inbox"
	"github.com/bongsu-project/bongsu/services/inbox/store"
)

// TestUpgrade proves that items from the first schema version are kept, at their ids as positions,
// and that a reader goes on after the last one.
func TestUpgrade(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { upgrade(t, filepath.Join(t.TempDir(), "inbox.db")) })
	t.Run("postgres", func(t *testing.T) {
		postgrestest.Require(t)
		upgrade(t, postgrestest.URL(t))
	})
}

func upgrade(t *testing.T, url string) {
	files := fstest.MapFS{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		name := "migrations/" + dialect + "/0001_initial.sql"
		text, err := fs.ReadFile(store.Schema.Migrations, name)
		kittest.NoError(t, err)
		files[name] = &fstest.MapFile{Data: text}
	}
	old, err := database.Open(t.Context(), url, database.Schema{Name: store.Schema.Name, Migrations: files})
	kittest.NoError(t, err)
	kittest.NoError(t, old.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
		if _, err := x.Exec(ctx, `INSERT INTO inboxes (nickname, last_number) VALUES ('kim', 4)`); err != nil {
			return err
		}
		_, err := x.Exec(ctx, `INSERT INTO items (delivery_id, nickname, number, alert_id, severity, title, text, link, alert_key, resolved, create_time, store_time)
			VALUES (7, 'kim', 2, '1', 'low', '', 'a', '', '', false, 1000000, 2000000), (8, 'kim', 4, '1', 'low', '', 'b', '', '', false, 1000000, 3000000)`)
		return err
	}))
	kittest.NoError(t, old.Close())
	s := open(t, url)
	second := func(n int64) time.Time { return time.Unix(n, 0).UTC() }
	want := inbox.Item{ID: 4, Position: 4, DeliveryID: 8, Nickname: "kim", AlertID: "1", Severity: "low", Text: "b", CreateTime: second(1), StoreTime: second(3), UpdateTime: second(3)}
	got, err := s.After(t.Context(), "kim", 2, 10)
	kittest.NoError(t, err)
	kittest.Equal(t, got, []inbox.Item{want})
	added, err := s.Add(t.Context(), []inbox.Item{{DeliveryID: 9, Nickname: "kim", Incident: 1, StoreTime: second(4)}})
	kittest.NoError(t, err)
	kittest.Equal(t, [2]int64{added[0].ID, added[0].Position}, [2]int64{5, 5})
	n, err := s.DeleteItems(t.Context(), second(3), 10)
	kittest.NoError(t, err)
	kittest.Equal(t, n, 1) // the one that was stored before
}
