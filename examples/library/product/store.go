package product

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/library/event/v1"

	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/stream"
)

//go:embed migrations
var migrations embed.FS

var schema = database.Schema{Name: "product database", Application: "library-product", Migrations: migrations}

// A Store keeps products and claims in a SQLite or PostgreSQL database, and the events of their
// changes in its outbox. A transaction locks the product before its claims. A Store is safe for
// concurrent use, also by several processes.
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

// An Addition puts copies of a product in stock.
type Addition struct {
	ProductID string
	Title     string // of a new product; empty for one that exists
	Copies    int
	Key       string // the idempotency key; empty for none
}

// Add adds copies to the stock, and holds them for the claims that wait. A key that is not empty
// makes a repeated call add nothing; with another addition it returns fault.ErrExists. Without the
// product it returns fault.ErrNotFound.
func (s *Store) Add(ctx context.Context, a Addition, now time.Time) (p Product, err error) {
	err = s.write(ctx, func(ctx context.Context, t *database.Tx) error {
		earlier, err := noteAddition(ctx, t, a)
		if err != nil {
			return err
		}
		if earlier != "" {
			p, err = get(ctx, t, earlier)
			return err
		}
		if p, err = productOf(ctx, t, a, now); err != nil {
			return err
		}
		p.Stock += a.Copies
		return s.settle(ctx, t, &p, now)
	})
	return p, err
}

// noteAddition stores the idempotency key of an addition. It returns the product of the addition
// that has it already, or an empty text.
func noteAddition(ctx context.Context, t *database.Tx, a Addition) (string, error) {
	if a.Key == "" {
		return "", nil
	}
	noted, err := t.Exec(ctx, `INSERT INTO additions (idempotency_key, product_id, title, copies)
		VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, a.Key, a.ProductID, a.Title, a.Copies)
	if err != nil || noted == 1 {
		return "", err
	}
	all, err := database.Select(ctx, t, func(rows *sql.Rows, e *Addition) error { return rows.Scan(&e.ProductID, &e.Title, &e.Copies) },
		"SELECT product_id, title, copies FROM additions WHERE idempotency_key = ?", a.Key)
	if err != nil || len(all) == 0 {
		return "", err
	}
	if e := all[0]; e.Title != a.Title || e.Copies != a.Copies || a.Title == "" && e.ProductID != a.ProductID {
		return "", fault.WithResource(fault.Existsf("the idempotency key was used for another request"), "idempotency key", a.Key)
	}
	return all[0].ProductID, nil
}

// productOf returns the locked product of an addition, and creates a new one.
func productOf(ctx context.Context, t *database.Tx, a Addition, now time.Time) (Product, error) {
	if a.Title != "" {
		_, err := t.Exec(ctx, "INSERT INTO products (id, title, search_text, stock, held, update_time) VALUES (?, ?, ?, 0, 0, ?)",
			a.ProductID, a.Title, strings.ToLower(a.Title), now.UnixMicro())
		return Product{ID: a.ProductID, Title: a.Title}, err
	}
	p, known, err := lock(ctx, t, a.ProductID)
	if err == nil && !known {
		err = notFound(a.ProductID)
	}
	return p, err
}

// Reserve makes a claim: a copy is held for it, or it waits for one. A repeated call changes
// nothing.
func (s *Store) Reserve(ctx context.Context, c Claim, now time.Time) error {
	return s.write(ctx, func(ctx context.Context, t *database.Tx) error {
		p, known, err := lock(ctx, t, c.ProductID)
		if err != nil {
			return err
		}
		c := c // the transaction may be repeated
		c.State = Waiting
		held := p.hold(&c)
		added, err := put(ctx, t, c, "NOTHING")
		switch {
		case err != nil || added == 0:
			return err
		case held:
			return s.settle(ctx, t, &p, now, heldEvent(p, c, false))
		case known:
			return s.settle(ctx, t, &p, now, outOfStock(p, c))
		}
		return event.Add(ctx, s.outbox, t, outOfStock(p, c))
	})
}

// Start moves the held copy of a claim out of the library.
func (s *Store) Start(ctx context.Context, c Claim, now time.Time) error {
	return s.change(ctx, c, now, (*Product).start)
}

// Cancel cancels a claim, also one that is not made yet. Its copy goes to the first waiting claim, if
// there is one, or back in stock.
func (s *Store) Cancel(ctx context.Context, c Claim, now time.Time) error {
	return s.change(ctx, c, now, (*Product).cancel)
}

// change changes a claim and its product by a step. A repeated step changes nothing.
func (s *Store) change(ctx context.Context, c Claim, now time.Time, step func(*Product, *Claim)) error {
	return s.write(ctx, func(ctx context.Context, t *database.Tx) error {
		p, known, err := lock(ctx, t, c.ProductID)
		if err != nil {
			return err
		}
		c, err := claim(ctx, t, c)
		if err != nil {
			return err
		}
		before := c.State
		step(&p, &c)
		if c.State == before {
			return nil
		}
		if _, err := put(ctx, t, c, "UPDATE SET state = excluded.state"); err != nil || !known {
			return err
		}
		return s.settle(ctx, t, &p, now)
	})
}

// settle holds the free copies of a locked product for the claims that wait, and stores it.
// messages are published before its own events.
func (s *Store) settle(ctx context.Context, t *database.Tx, p *Product, now time.Time, messages ...proto.Message) error {
	next, err := database.Select(ctx, t, scanClaim, "SELECT "+claimColumns+` FROM claims WHERE product_id = ? AND state = 1
		ORDER BY reserve_time, reservation_id LIMIT ?`, p.ID, p.Stock-p.Held)
	if err != nil {
		return err
	}
	for _, c := range next {
		p.hold(&c)
		if _, err := put(ctx, t, c, "UPDATE SET state = excluded.state"); err != nil {
			return err
		}
		messages = append(messages, heldEvent(*p, c, true))
	}
	if _, err := t.Exec(ctx, "UPDATE products SET stock = ?, held = ?, update_time = ? WHERE id = ?", p.Stock, p.Held, now.UnixMicro(), p.ID); err != nil {
		return err
	}
	if *p, err = get(ctx, t, p.ID); err != nil {
		return err
	}
	return event.Add(ctx, s.outbox, t, append(messages, stockChanged(*p))...)
}

func heldEvent(p Product, c Claim, waited bool) proto.Message {
	return &eventv1.Held{ReservationId: c.ReservationID, Customer: c.Customer, ProductId: c.ProductID, Title: p.Title, Waited: waited}
}

func outOfStock(p Product, c Claim) proto.Message {
	return &eventv1.OutOfStock{ReservationId: c.ReservationID, Customer: c.Customer, ProductId: c.ProductID, Title: p.Title}
}

func stockChanged(p Product) proto.Message {
	return &eventv1.StockChanged{ProductId: p.ID, Title: p.Title, Stock: int32(p.Stock), Held: int32(p.Held), Waiting: int32(p.Waiting)}
}

// Get returns a product, or fault.ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (p Product, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		p, err = get(ctx, t, id)
		return err
	})
	return p, err
}

// List returns the products by title: those after the one with an id, all for an empty one, at most
// limit. A query selects titles that contain it, in any case.
func (s *Store) List(ctx context.Context, query, after string, limit int) (all []Product, err error) {
	like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(query)) + "%"
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, scan, "SELECT "+columns+` FROM products p WHERE search_text LIKE ? ESCAPE '\'
			AND (? = '' OR (title, id) > (SELECT title, id FROM products WHERE id = ?)) ORDER BY title, id LIMIT ?`, like, after, after, limit)
		return err
	})
	return all, err
}

// write runs f in a transaction, and publishes its events at once after the commit.
func (s *Store) write(ctx context.Context, f func(context.Context, *database.Tx) error) error {
	err := s.db.Write(ctx, f)
	if err == nil {
		s.outbox.Wake()
	}
	return err
}

// lock returns a product that no other transaction changes until the end of this one. known is
// false without it; the product is then empty.
func lock(ctx context.Context, t *database.Tx, id string) (p Product, known bool, err error) {
	query := "SELECT " + columns + " FROM products p WHERE id = ?"
	if t.Postgres() { // a write transaction of SQLite is alone
		query += " FOR UPDATE"
	}
	all, err := database.Select(ctx, t, scan, query, id)
	if err != nil || len(all) == 0 {
		return Product{ID: id}, false, err
	}
	return all[0], true, nil
}

func get(ctx context.Context, t *database.Tx, id string) (Product, error) {
	all, err := database.Select(ctx, t, scan, "SELECT "+columns+" FROM products p WHERE id = ?", id)
	if err == nil && len(all) == 0 {
		err = notFound(id)
	}
	if err != nil {
		return Product{}, err
	}
	return all[0], nil
}

func notFound(id string) error {
	return fault.WithResource(fault.NotFoundf("product %s not found", id), "product", id)
}

const columns = `id, title, stock, held, update_time,
	(SELECT count(*) FROM claims c WHERE c.product_id = p.id AND c.state = 1)`

func scan(rows *sql.Rows, p *Product) error {
	var updated int64
	err := rows.Scan(&p.ID, &p.Title, &p.Stock, &p.Held, &updated, &p.Waiting)
	p.UpdateTime = time.UnixMicro(updated).UTC()
	return err
}

// put stores a claim, and returns 0 if there is one already and the conflict does nothing.
func put(ctx context.Context, t *database.Tx, c Claim, conflict string) (int, error) {
	return t.Exec(ctx, "INSERT INTO claims ("+claimColumns+") VALUES (?, ?, ?, ?, ?) ON CONFLICT (reservation_id) DO "+conflict,
		c.ReservationID, c.Customer, c.ProductID, c.State, c.ReserveTime.UnixMicro())
}

// claim returns the stored claim of a reservation, or c itself.
func claim(ctx context.Context, t *database.Tx, c Claim) (Claim, error) {
	all, err := database.Select(ctx, t, scanClaim, "SELECT "+claimColumns+" FROM claims WHERE reservation_id = ?", c.ReservationID)
	if err != nil || len(all) == 0 {
		return c, err
	}
	return all[0], nil
}

const claimColumns = "reservation_id, customer, product_id, state, reserve_time"

func scanClaim(rows *sql.Rows, c *Claim) error {
	var reserved int64
	err := rows.Scan(&c.ReservationID, &c.Customer, &c.ProductID, &c.State, &reserved)
	c.ReserveTime = time.UnixMicro(reserved).UTC()
	return err
}
