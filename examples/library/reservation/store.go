package reservation

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"log/slog"
	"time"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/stream"
)

//go:embed migrations
var migrations embed.FS

var schema = database.Schema{Name: "reservation database", Application: "library-reservation", Migrations: migrations}

// A Store keeps reservations in a SQLite or PostgreSQL database, and the events of their changes in
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

// Add stores a new reservation and publishes Reserved. A key that is not empty makes a repeated
// call return the first reservation; of another product it returns fault.ErrExists.
func (s *Store) Add(ctx context.Context, r Reservation, key string) (stored Reservation, err error) {
	err = s.write(ctx, func(ctx context.Context, t *database.Tx) error {
		added, err := t.Exec(ctx, `INSERT INTO reservations (id, customer, product_id, state, create_time, update_time, idempotency_key)
			VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			r.ID, r.Customer, r.ProductID, r.State, r.CreateTime.UnixMicro(), r.UpdateTime.UnixMicro(), key)
		if err != nil {
			return err
		}
		if added == 0 {
			stored, err = earlier(ctx, t, r, key)
			return err
		}
		stored = r
		return event.Add(ctx, s.outbox, t, &eventv1.Reserved{ReservationId: r.ID, Customer: r.Customer, ProductId: r.ProductID})
	})
	return stored, err
}

// earlier returns the reservation of a customer that has the idempotency key of r.
func earlier(ctx context.Context, t *database.Tx, r Reservation, key string) (Reservation, error) {
	first, err := one(ctx, t, "SELECT "+columns+" FROM reservations WHERE customer = ? AND idempotency_key = ?", r.Customer, key)
	if err == nil && first.ProductID != r.ProductID {
		err = fault.WithResource(fault.Existsf("the idempotency key was used for another reservation"), "idempotency key", key)
	}
	return first, err
}

// Get returns a reservation of a customer, or fault.ErrNotFound.
func (s *Store) Get(ctx context.Context, customer, id string) (r Reservation, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		r, err = get(ctx, t, customer, id)
		return err
	})
	return r, err
}

// List returns the reservations of a customer, the newest first: those before an id, all for an
// empty one, at most limit.
func (s *Store) List(ctx context.Context, customer, before string, limit int) (all []Reservation, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, scan, "SELECT "+columns+` FROM reservations
			WHERE customer = ? AND (id < ? OR ? = '') ORDER BY id DESC LIMIT ?`, customer, before, before, limit)
		return err
	})
	return all, err
}

// BeginCancel begins an attempt to cancel a reservation of a customer: it is Canceling afterwards,
// or was Canceled before. It returns fault.ErrUnavailable while another attempt is running, and
// fault.ErrNotFound without such a reservation.
func (s *Store) BeginCancel(ctx context.Context, customer, id, attempt string, now time.Time) (r Reservation, err error) {
	err = s.write(ctx, func(ctx context.Context, t *database.Tx) error {
		begun, err := t.Exec(ctx, `UPDATE reservations SET state = ?, attempt = ?, update_time = ?
			WHERE customer = ? AND id = ? AND state = ?`, Canceling, attempt, now.UnixMicro(), customer, id, Reserved)
		if err != nil {
			return err
		}
		if r, err = get(ctx, t, customer, id); err == nil && begun == 0 && r.State == Canceling {
			err = busy(id)
		}
		return err
	})
	return r, err
}

// busy returns the error for a reservation that is being canceled.
func busy(id string) error {
	err := fault.Unavailablef("reservation %s is being canceled; try again", id)
	return fault.WithDelay(fault.WithReason(err, "CANCELLATION_RUNNING"), time.Second)
}

// FinishCancel ends an attempt whose delivery is canceled, and publishes Canceled. It returns
// fault.ErrConflict if the attempt was refused since.
func (s *Store) FinishCancel(ctx context.Context, attempt string, r Reservation, now time.Time) (Reservation, error) {
	err := s.write(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		ended, err := end(ctx, t, Canceled, now, "id = ? AND attempt = ?", r.ID, attempt)
		if err != nil {
			return err
		}
		if len(ended) == 0 {
			return fault.Conflictf("attempt %s to cancel was refused", attempt)
		}
		r = ended[0]
		return event.Add(ctx, s.outbox, t, &eventv1.Canceled{
			ReservationId: r.ID, Customer: r.Customer, ProductId: r.ProductID, AttemptId: attempt,
		})
	})
	return r, err
}

// RefuseCancel ends an attempt without a cancellation: the reservation is Reserved again. It
// publishes CancellationRefused, so that a delivery which was canceled goes on. An attempt that has
// ended stays as it is.
func (s *Store) RefuseCancel(ctx context.Context, id, attempt string, now time.Time) error {
	_, err := s.refuse(ctx, now, "id = ? AND attempt = ?", id, attempt)
	return err
}

// RefuseStale refuses the attempts that began before a time, and returns their number: those of
// processes that ended in the middle.
func (s *Store) RefuseStale(ctx context.Context, before, now time.Time) (int, error) {
	return s.refuse(ctx, now, "update_time < ?", before.UnixMicro())
}

func (s *Store) refuse(ctx context.Context, now time.Time, condition string, args ...any) (n int, err error) {
	err = s.write(ctx, func(ctx context.Context, t *database.Tx) error {
		ended, err := end(ctx, t, Reserved, now, condition, args...)
		if err != nil {
			return err
		}
		n = len(ended)
		for _, r := range ended {
			err = errors.Join(err, event.Add(ctx, s.outbox, t, &eventv1.CancellationRefused{ReservationId: r.ID, AttemptId: r.Attempt}))
		}
		return err
	})
	return n, err
}

// isCanceling is the condition of the state Canceling, as the index of the schema has it.
const isCanceling = "state = 2"

// end moves reservations that are Canceling to another state, and returns them.
func end(ctx context.Context, t *database.Tx, to State, now time.Time, condition string, args ...any) ([]Reservation, error) {
	return database.Select(ctx, t, scan, "UPDATE reservations SET state = ?, update_time = ? WHERE "+isCanceling+" AND "+condition+
		" RETURNING "+columns, append([]any{to, now.UnixMicro()}, args...)...)
}

// write runs f in a transaction, and publishes its events at once after the commit.
func (s *Store) write(ctx context.Context, f func(context.Context, *database.Tx) error) error {
	err := s.db.Write(ctx, f)
	if err == nil {
		s.outbox.Wake()
	}
	return err
}

func get(ctx context.Context, t *database.Tx, customer, id string) (Reservation, error) {
	return one(ctx, t, "SELECT "+columns+" FROM reservations WHERE customer = ? AND id = ?", customer, id)
}

// one returns the row of a query, or fault.ErrNotFound. Its last argument is the name of the row.
func one(ctx context.Context, t *database.Tx, query string, args ...any) (Reservation, error) {
	all, err := database.Select(ctx, t, scan, query, args...)
	if err != nil {
		return Reservation{}, err
	}
	if len(all) == 0 {
		name := args[len(args)-1]
		return Reservation{}, fault.WithResource(fault.NotFoundf("reservation %s not found", name), "reservation", name)
	}
	return all[0], nil
}

const columns = "id, customer, product_id, state, attempt, create_time, update_time"

func scan(rows *sql.Rows, r *Reservation) error {
	var created, updated int64
	err := rows.Scan(&r.ID, &r.Customer, &r.ProductID, &r.State, &r.Attempt, &created, &updated)
	r.CreateTime, r.UpdateTime = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	return err
}
