package store

import (
	"context"
	"database/sql"
	"strings"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// An incidentItem is an item, with whether its read is reported.
type incidentItem struct {
	inbox.Item
	reported bool
}

// An incidentKey identifies the item of an incident.
type incidentKey struct {
	nickname string
	incident int64
}

func keyOf(i inbox.Item) incidentKey { return incidentKey{i.Nickname, i.Incident} }

// incidentItems returns the items of the incidents of deliveries. Their inboxes must be locked.
func incidentItems(ctx context.Context, t *database.Tx, deliveries []inbox.Item) (map[incidentKey]*incidentItem, error) {
	known := map[incidentKey]*incidentItem{}
	var keys []incidentKey
	for _, d := range deliveries {
		if key := keyOf(d); d.Incident != 0 && known[key] == nil {
			known[key] = &incidentItem{}
			keys = append(keys, key)
		}
	}
	clear(known)
	for some := range database.ChunkRows(t, keys, maxStatementRows) {
		all := make([]any, 0, 2*len(some))
		for _, key := range some {
			all = append(all, key.nickname, key.incident)
		}
		rows, args := t.ValueRows([]string{"text", "bigint"}, all)
		found, err := database.Select(ctx, t, func(rows *sql.Rows, i *incidentItem) error { return scanItemAnd(rows, &i.Item, &i.reported) },
			`WITH wanted (wanted_nickname, wanted_incident) AS (`+rows+`)
			SELECT `+itemColumns+`, read_reported FROM wanted JOIN items
			ON items.nickname = wanted_nickname AND items.incident = wanted_incident AND items.incident <> 0`, args...)
		if err != nil {
			return nil, err
		}
		for _, i := range found {
			known[keyOf(i.Item)] = &i
		}
	}
	return known, nil
}

// A merged is the result of the merge of deliveries with the items of their incidents.
type merged struct {
	added   []*incidentItem // new items
	changed []*incidentItem // items that are stored
	earlier []earlierDelivery
}

// An earlierDelivery is a delivery of an item whose last delivery is another one.
type earlierDelivery struct {
	deliveryID int64
	nickname   string
	number     int64
	readTime   int64
	reported   bool
}

// merge merges deliveries, whose numbers are assigned, with the known items of their incidents.
// The deliveries of one incident make one item.
func merge(deliveries []inbox.Item, known map[incidentKey]*incidentItem) merged {
	var m merged
	isListed := map[*incidentItem]bool{} // in added or changed
	for _, d := range deliveries {
		item := known[keyOf(d)]
		if d.Incident == 0 || item == nil {
			item = &incidentItem{Item: d}
			item.Reply = false
			m.added = append(m.added, item)
			if d.Incident != 0 {
				known[keyOf(d)], isListed[item] = item, true
			}
			continue
		}
		switch {
		case d.DeliveryID == item.DeliveryID: // another process stored it since
		case !item.IsLater(d): // it is late
			m.earlier = append(m.earlier, earlierDelivery{deliveryID: d.DeliveryID, nickname: d.Nickname, number: item.ID})
		default:
			m.earlier = append(m.earlier, earlierDelivery{item.DeliveryID, d.Nickname, item.ID, micros(item.ReadTime), item.reported})
			item.Item = item.Changed(d)
			item.reported = !item.ReadTime.IsZero() // nobody has read the change yet
			if !isListed[item] {
				m.changed, isListed[item] = append(m.changed, item), true
			}
		}
	}
	return m
}

// update stores the changed items, and the earlier deliveries.
func (m merged) update(ctx context.Context, t *database.Tx) error {
	for some := range database.ChunkRows(t, m.changed, maxStatementRows) {
		all := make([]any, 0, len(itemTypes)*len(some))
		for _, i := range some {
			all = append(all, i.values()...)
		}
		rows, args := t.ValueRows(itemTypes, all)
		if _, err := t.Exec(ctx, updateItems(rows), args...); err != nil {
			return err
		}
	}
	for some := range database.ChunkRows(t, m.earlier, maxStatementRows) {
		all := make([]any, 0, 5*len(some))
		for _, e := range some {
			all = append(all, e.deliveryID, e.nickname, e.number, e.readTime, e.reported)
		}
		rows, args := t.ValueRows([]string{"bigint", "text", "bigint", "bigint", "boolean"}, all)
		if _, err := t.Exec(ctx, `INSERT INTO earlier_deliveries (delivery_id, nickname, number, read_time, read_reported) `+rows+`
			ON CONFLICT (delivery_id) DO NOTHING`, args...); err != nil {
			return err
		}
	}
	return nil
}

// updateItems returns the statement that changes the items of rows, which have all columns.
func updateItems(rows string) string {
	names := strings.Split(strings.Join(strings.Fields(itemNames), ""), ",")
	columns, sets := make([]string, len(names)), make([]string, 0, len(names))
	for i, name := range names {
		columns[i] = "new_" + name
		if name != "nickname" && name != "number" {
			sets = append(sets, name+" = new_"+name)
		}
	}
	return `WITH changed (` + strings.Join(columns, ", ") + `) AS (` + rows + `)
		UPDATE items SET ` + strings.Join(sets, ", ") + ` FROM changed WHERE nickname = new_nickname AND number = new_number`
}
