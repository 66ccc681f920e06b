package delivery

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"log/slog"
	"maps"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/stream"
)

//go:embed migrations
var migrations embed.FS

var schema = database.Schema{Name: "delivery database", Application: "library-delivery", Migrations: migrations}

// A Store keeps deliveries in a SQLite or PostgreSQL database, and the events of their changes in
// its outbox. It is safe for concurrent use, also by several processes.
type Store struct {
	db     *database.Database
	outbox *stream.Outbox
}

// Open opens the store at a URL, as database.Open does. Run publishes its events.
func Open(ctx context.Context, url string, publisher stream.Publisher, log *slog.Logger) (*Store, error) {
	db, err := database.Open(ctx, url, schema)
	if err != nil {
		return nil, err
	}
	outbox, err := stream.NewOutbox(db.Writer(), db.Dialect(), publisher, stream.OutboxOptions{Log: log})
	if err == nil {
		err = outbox.Migrate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db, outbox}, nil
}

// Ping returns fault.ErrUnavailable unless the database responds.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Hold notes that a book is held for a reservation: its delivery starts, unless it is canceled. A
// repeated call changes nothing.
func (s *Store) Hold(ctx context.Context, book *eventv1.Held, now time.Time) error {
	_, err := s.change(ctx, book.GetReservationId(), now, func(d *Delivery) error {
		d.hold(book.GetCustomer(), book.GetProductId(), book.GetTitle())
		return nil
	})
	return err
}

// Cancel cancels the delivery of a reservation by an attempt, also one that has not started. It
// returns fault.ErrPrecondition if the attempt is refused already.
func (s *Store) Cancel(ctx context.Context, reservationID, attempt string, now time.Time) (Delivery, error) {
	return s.change(ctx, reservationID, now, func(d *Delivery) error { return d.cancel(attempt) })
}

// End notes the result of an attempt. A delivery whose attempts are all refused goes on.
func (s *Store) End(ctx context.Context, reservationID, attempt string, result Result, now time.Time) error {
	_, err := s.change(ctx, reservationID, now, func(d *Delivery) error {
		d.end(attempt, result)
		return nil
	})
	return err
}

// Complete notes that the book of a delivery has arrived. It returns fault.ErrNotFound without the
// delivery, and fault.ErrPrecondition if it is canceled.
func (s *Store) Complete(ctx context.Context, id string, now time.Time) (Delivery, error) {
	all, err := s.selectDeliveries(ctx, "id = ?", id)
	if err == nil && len(all) == 0 {
		err = fault.WithResource(fault.NotFoundf("delivery %s not found", id), "delivery", id)
	}
	if err != nil {
		return Delivery{}, err
	}
	return s.change(ctx, all[0].ReservationID, now, (*Delivery).complete)
}

// A Filter selects deliveries.
type Filter struct {
	ReservationID string // empty for all
	State         State  // Unknown for all
}

// List returns deliveries that have started, the newest first and without their attempts: those
// before an id, all for an empty one, at most limit.
func (s *Store) List(ctx context.Context, f Filter, before string, limit int) ([]Delivery, error) {
	return s.selectDeliveries(ctx, `id <> '' AND (? = '' OR reservation_id = ?) AND (? = 0 OR state = ?) AND (? = '' OR id < ?)
		ORDER BY id DESC LIMIT ?`, f.ReservationID, f.ReservationID, f.State, f.State, before, before, limit)
}

func (s *Store) selectDeliveries(ctx context.Context, condition string, args ...any) (all []Delivery, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, scan, "SELECT "+columns+" FROM deliveries WHERE "+condition, args...)
		return err
	})
	return all, err
}

// change changes a delivery by a step, and publishes its new state.
func (s *Store) change(ctx context.Context, reservationID string, now time.Time, step func(*Delivery) error) (d Delivery, err error) {
	id := uuid.Must(uuid.NewV7()).String()
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		before, err := lock(ctx, t, reservationID)
		if err != nil {
			return err
		}
		d = before
		d.Attempts = maps.Clone(before.Attempts)
		if err := step(&d); err != nil {
			return err
		}
		d.settle(id, now)
		if err := save(ctx, t, before, d); err != nil {
			return err
		}
		return event.Add(ctx, s.outbox, t, changes(before, d)...)
	})
	if err == nil {
		s.outbox.Wake()
	}
	return d, err
}

// changes returns the data of the events of a change.
func changes(before, after Delivery) []proto.Message {
	switch {
	case before.Progress == after.Progress:
	case after.Progress == Started:
		return []proto.Message{&eventv1.Started{
			ReservationId: after.ReservationID, DeliveryId: after.ID, Customer: after.Customer, ProductId: after.ProductID, Title: after.Title,
		}}
	case after.Progress == Delivered:
		return []proto.Message{&eventv1.Delivered{ReservationId: after.ReservationID, DeliveryId: after.ID, Customer: after.Customer}}
	}
	return nil
}

// lock returns a delivery, which no other transaction changes until the end of this one.
func lock(ctx context.Context, t *database.Tx, reservationID string) (Delivery, error) {
	if _, err := t.Exec(ctx, "INSERT INTO deliveries (reservation_id) VALUES (?) ON CONFLICT DO NOTHING", reservationID); err != nil {
		return Delivery{}, err
	}
	query := "SELECT " + columns + " FROM deliveries WHERE reservation_id = ?"
	if t.Postgres() { // a write transaction of SQLite is alone
		query += " FOR UPDATE"
	}
	all, err := database.Select(ctx, t, scan, query, reservationID)
	if err != nil {
		return Delivery{}, err
	}
	d := all[0]
	d.Attempts = map[string]Result{}
	_, err = database.Select(ctx, t, func(rows *sql.Rows, _ *struct{}) error {
		var attempt string
		var result Result
		err := rows.Scan(&attempt, &result)
		d.Attempts[attempt] = result
		return err
	}, "SELECT attempt_id, result FROM attempts WHERE reservation_id = ?", reservationID)
	return d, err
}

// save stores a delivery that was locked as before.
func save(ctx context.Context, t *database.Tx, before, d Delivery) error {
	_, err := t.Exec(ctx, `UPDATE deliveries SET id = ?, customer = ?, product_id = ?, title = ?, progress = ?, state = ?,
		create_time = ?, update_time = ? WHERE reservation_id = ?`,
		d.ID, d.Customer, d.ProductID, d.Title, d.Progress, d.State, d.CreateTime.UnixMicro(), d.UpdateTime.UnixMicro(), d.ReservationID)
	if err != nil {
		return err
	}
	for attempt, result := range d.Attempts {
		if before.Attempts[attempt] == result {
			continue
		}
		if _, err := t.Exec(ctx, `INSERT INTO attempts (reservation_id, attempt_id, result) VALUES (?, ?, ?)
			ON CONFLICT (reservation_id, attempt_id) DO UPDATE SET result = excluded.result`, d.ReservationID, attempt, result); err != nil {
			return err
		}
	}
	return nil
}

const columns = "reservation_id, id, customer, product_id, title, progress, state, create_time, update_time"

func scan(rows *sql.Rows, d *Delivery) error {
	var created, updated int64
	err := rows.Scan(&d.ReservationID, &d.ID, &d.Customer, &d.ProductID, &d.Title, &d.Progress, &d.State, &created, &updated)
	d.CreateTime, d.UpdateTime = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	return err
}
