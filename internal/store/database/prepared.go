package database

import (
	"context"
	"database/sql"
	"sync"
)

// maxPrepared is the maximum number of cached statements: they are the program's own, and few.
// Statements beyond it are parsed at each use.
const maxPrepared = 256

// A prepared caches the prepared statements of a SQLite database: parsing a statement that
// writes a hundred rows takes longer than running it. For PostgreSQL, pgx has a cache of its
// own. It is safe for concurrent use; its statements are closed with the database.
type prepared struct {
	db *sql.DB

	mu     sync.Mutex
	byText map[string]*sql.Stmt // nil until it is prepared
	fresh  []string             // texts to prepare
}

func newPrepared(db *sql.DB) *prepared { return &prepared{db: db, byText: map[string]*sql.Stmt{}} }

// find returns the cached statement, or nil. A missing statement is registered for
// preparation while the cache has room.
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

// prepare prepares the statements that were missing. No transaction may be open: it may hold
// the only connection. A statement that fails to prepare returns its error when it is run.
func (p *prepared) prepare(ctx context.Context) {
	if p == nil {
		return
	}
	p.mu.Lock()
	fresh := p.fresh
	p.fresh = nil
	p.mu.Unlock()
	for _, text := range fresh {
		statement, err := p.db.PrepareContext(ctx, text) //nolint:sqlclosecheck // cached, and closed with the database
		if err != nil {
			continue
		}
		p.mu.Lock()
		p.byText[text] = statement
		p.mu.Unlock()
	}
}
