package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// An addition is the deliveries of one call of Add. The batch that commits it sets its result.
type addition struct {
	deliveries []inbox.Item
	stored     []inbox.StoredItem
}

// Add stores deliveries that are new.
func (s *Store) Add(ctx context.Context, deliveries []inbox.Item) ([]inbox.StoredItem, error) {
	if len(deliveries) == 0 {
		return nil, nil
	}
	a := &addition{deliveries: deliveries}
	if err := s.adds.Do(ctx, a); err != nil {
		return nil, err
	}
	return a.stored, nil
}

// addBatch stores the deliveries of calls in one transaction.
func (s *Store) addBatch(ctx context.Context, calls []*addition) error {
	var stored map[int64]inbox.StoredItem
	err := s.db.Write(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		stored, err = addItems(ctx, t, calls)
		return err
	})
	if err != nil {
		return err
	}
	for _, a := range calls {
		a.stored = make([]inbox.StoredItem, 0, len(a.deliveries))
		for _, d := range a.deliveries {
			if item, ok := stored[d.DeliveryID]; ok { // of the first of several with the same id
				a.stored = append(a.stored, item)
				delete(stored, d.DeliveryID)
			}
		}
	}
	return nil
}

// addItems stores those deliveries of calls that are new, and returns the new and changed items
// by the ids of their deliveries.
func addItems(ctx context.Context, t *database.Tx, calls []*addition) (map[int64]inbox.StoredItem, error) {
	items, err := newDeliveries(ctx, t, calls)
	if err != nil {
		return nil, err
	}
	if err := assignNumbers(ctx, t, items); err != nil {
		return nil, err
	}
	known, err := incidentItems(ctx, t, items)
	if err != nil {
		return nil, err
	}
	m := merge(items, known)
	inserted, err := insertItems(ctx, t, m.added)
	if err != nil {
		return nil, err
	}
	if err := m.update(ctx, t); err != nil {
		return nil, err
	}
	stored := make(map[int64]inbox.StoredItem, len(inserted)+len(m.changed))
	for _, i := range m.added {
		if inserted[i.DeliveryID] {
			stored[i.DeliveryID] = storedItem(i)
		}
	}
	for _, i := range m.changed {
		stored[i.DeliveryID] = storedItem(i)
	}
	return stored, nil
}

func storedItem(i *incidentItem) inbox.StoredItem {
	return inbox.StoredItem{Item: i.Item, Before: i.Position - 1} // numbers are consecutive
}

// newDeliveries returns the deliveries of calls that are not stored, each once, in their order.
func newDeliveries(ctx context.Context, t *database.Tx, calls []*addition) ([]inbox.Item, error) {
	var ids []int64
	for _, a := range calls {
		for _, d := range a.deliveries {
			ids = append(ids, d.DeliveryID)
		}
	}
	known := make(map[int64]bool, len(ids))
	for some := range database.ChunkLists(t, ids, maxStatementRows) {
		condition, args := database.In(t, some)
		found, err := database.Select(ctx, t, scanInt, `SELECT delivery_id FROM items WHERE delivery_id `+condition+`
			UNION ALL SELECT delivery_id FROM earlier_deliveries WHERE delivery_id `+condition, append(args, args...)...)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			known[id] = true
		}
	}
	items := make([]inbox.Item, 0, len(ids))
	for _, a := range calls {
		for _, d := range a.deliveries {
			if !known[d.DeliveryID] {
				known[d.DeliveryID] = true
				items = append(items, storable(d))
			}
		}
	}
	return items, nil
}

// assignNumbers assigns the ids of items in their inboxes. It locks the inboxes in the order of
// nicknames, so that processes wait for each other, and until the end of the transaction, so that
// a greater id is not visible before a smaller one.
func assignNumbers(ctx context.Context, t *database.Tx, items []inbox.Item) error {
	counts := map[string]int{}
	for _, i := range items {
		counts[i.Nickname]++
	}
	nicknames := make([]string, 0, len(counts))
	for nickname := range counts {
		nicknames = append(nicknames, nickname)
	}
	slices.Sort(nicknames)
	next := make(map[string]int64, len(counts))
	for some := range database.ChunkRows(t, nicknames, maxStatementRows) {
		all := make([]any, 0, 2*len(some))
		for _, nickname := range some {
			all = append(all, nickname, counts[nickname])
		}
		rows, args := t.ValueRows([]string{"text", "bigint"}, all)
		inboxes, err := database.Select(ctx, t, func(rows *sql.Rows, i *numbers) error { return rows.Scan(&i.nickname, &i.last) },
			`INSERT INTO inboxes (nickname, last_number) `+rows+`
			ON CONFLICT (nickname) DO UPDATE SET last_number = inboxes.last_number + excluded.last_number
			RETURNING nickname, last_number`, args...)
		if err != nil {
			return err
		}
		for _, i := range inboxes {
			next[i.nickname] = i.last - int64(counts[i.nickname]) + 1
		}
	}
	for i := range items {
		nickname := items[i].Nickname
		items[i].ID, items[i].Position = next[nickname], next[nickname]
		next[nickname]++
	}
	return nil
}

// numbers is the last number of an inbox.
type numbers struct {
	nickname string
	last     int64
}

// itemTypes are the types of the columns of an item in PostgreSQL.
var itemTypes = []string{
	"bigint", "text", "bigint", "text", "text", "text", "text", "text", "text", "boolean", "bigint", "bigint", "bigint", "boolean", "boolean",
	"bigint", "bigint", "bigint", "boolean", "text", "bigint",
}

// itemNames are the columns of itemTypes.
const itemNames = `delivery_id, nickname, number, alert_id, severity, title, text, link, alert_key, resolved,
	create_time, store_time, read_time, archived, read_reported, position, update_time, incident, acknowledged, ack_url, rank`

func (i *incidentItem) values() []any {
	return []any{
		i.DeliveryID, i.Nickname, i.ID, i.AlertID, i.Severity, i.Title, i.Text, i.Link, i.Key, i.Resolved,
		micros(i.CreateTime), micros(i.StoreTime), micros(i.ReadTime), i.Archived, i.reported, i.Position, micros(i.UpdateTime), i.Incident, i.Acknowledged, i.AckURL, int(i.Rank),
	}
}

// insertItems stores items, except those of deliveries that another process stored since, and
// returns the delivery ids of the stored ones.
func insertItems(ctx context.Context, t *database.Tx, items []*incidentItem) (map[int64]bool, error) {
	inserted := make(map[int64]bool, len(items))
	for some := range database.ChunkRows(t, items, maxStatementRows) {
		all := make([]any, 0, len(itemTypes)*len(some))
		for _, i := range some {
			all = append(all, i.values()...)
		}
		rows, args := t.ValueRows(itemTypes, all)
		ids, err := database.Select(ctx, t, scanInt, `INSERT INTO items (`+itemNames+`) `+rows+`
			ON CONFLICT (delivery_id) DO NOTHING RETURNING delivery_id`, args...)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			inserted[id] = true
		}
	}
	return inserted, nil
}

func scanInt(rows *sql.Rows, n *int64) error { return rows.Scan(n) }

// storable returns an item as both databases can store it, unread.
func storable(i inbox.Item) inbox.Item {
	i.ReadTime, i.Archived = moment(0), false
	i.CreateTime, i.StoreTime = moment(micros(i.CreateTime)), moment(micros(i.StoreTime))
	i.UpdateTime = i.StoreTime
	for _, text := range []*string{&i.AlertID, &i.Severity, &i.Title, &i.Text, &i.Link, &i.Key, &i.AckURL} {
		if !utf8.ValidString(*text) || strings.ContainsRune(*text, 0) {
			*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return i
}
