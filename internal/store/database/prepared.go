package database

import (
	"context"
	"database/sql"
	"sync"
)

// maxPrepared is how many statements are kept prepared: they are this program's own,
// and few. What is beyond is parsed at each use.
const maxPrepared = 256

// prepared keeps a SQLite database's statements ready: to parse one that writes a
// hundred rows takes longer than to run it. pgx does as much for PostgreSQL by itself.
// It is safe for concurrent use; its statements end with their database.
type prepared struct {
	db *sql.DB

	mu     sync.Mutex
	byText map[string]*sql.Stmt // nil for one that is to be prepared
	fresh  []string             // the texts of those
}

func newPrepared(db *sql.DB) *prepared { return &prepared{db: db, byText: map[string]*sql.Stmt{}} }

// find gives a statement, or nil where it is not ready: then it will be, where room is
// left.
func (p *prepared) find(text string) *sql.Stmt {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	statement, known := p.byText[text]
	if !known && len(p.byText) < maxPrepared {
		p.byText[text] = nil
		p.fresh = append(p.fresh, text)
	}
	return statement
}

// prepare makes ready what was not found. No transaction may be open: it may hold the
// only connection. What cannot be prepared says why when it is run.
func (p *prepared) prepare(ctx context.Context) {
	if p == nil {
		return
	}
	p.mu.Lock()
	fresh := p.fresh
	p.fresh = nil
	p.mu.Unlock()
	for _, text := range fresh {
		statement, err := p.db.PrepareContext(ctx, text) //nolint:sqlclosecheck // it is kept, and ends with its database
		if err != nil {
			continue
		}
		p.mu.Lock()
		p.byText[text] = statement
		p.mu.Unlock()
	}
}
