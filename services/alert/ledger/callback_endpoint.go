package ledger

import (
	"context"
	"database/sql"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// AddCallbackEndpoint stores an endpoint.
func (s *Store) AddCallbackEndpoint(ctx context.Context, e alert.CallbackEndpoint) error {
	if !isStorable(e.Name, e.URL) {
		return fault.Invalidf("callback endpoint: a text contains NUL or is not UTF-8")
	}
	id, err := s.ids.take(ctx, 1)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err := selectNumbers(ctx, t, `SELECT count(*) FROM callback_endpoints WHERE name <> ?`, e.Name)
		if err != nil {
			return err
		}
		if all[0] >= alert.MaxCallbackEndpoints {
			return fault.WithReason(fault.Invalidf("callback endpoint limit reached (%d), delete some", all[0]), "CALLBACK_ENDPOINT_LIMIT_REACHED")
		}
		n, err := t.Exec(ctx, `INSERT INTO callback_endpoints (id, name, url, secret, create_time) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`,
			id, e.Name, e.URL, e.SealedSecret, micros(e.CreateTime))
		if err == nil && n == 0 {
			return fault.WithResource(fault.Existsf("callback endpoint %q already exists", e.Name), "callback endpoint", e.Name)
		}
		return err
	})
}

// CallbackEndpoints returns all endpoints by name.
func (s *Store) CallbackEndpoints(ctx context.Context) (all []alert.CallbackEndpoint, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		all, err = database.Select(ctx, t, func(rows *sql.Rows, e *alert.CallbackEndpoint) error {
			var created int64
			err := rows.Scan(&e.ID, &e.Name, &e.URL, &e.SealedSecret, &created, &e.LastError, &e.WaitingCount)
			e.CreateTime = fromMicros(created)
			return err
		}, `SELECT id, name, url, secret, create_time, last_error,
			(SELECT count(*) FROM callback_reports WHERE callback_reports.endpoint = callback_endpoints.id) +
			(SELECT coalesce(sum(size), 0) FROM callback_batches WHERE callback_batches.endpoint = callback_endpoints.id)
			FROM callback_endpoints ORDER BY name`)
		return err
	})
	return all, err
}

// DeleteCallbackEndpoint deletes an endpoint, and then its reports: those of transactions that
// ran meanwhile were recorded before the endpoint was deleted.
func (s *Store) DeleteCallbackEndpoint(ctx context.Context, name string) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		ids, err := selectNumbers(ctx, t, `DELETE FROM callback_endpoints WHERE name = ? RETURNING id`, name)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return fault.WithResource(fault.NotFoundf("callback endpoint %q not found", name), "callback endpoint", name)
		}
		if _, err := t.Exec(ctx, `DELETE FROM callback_reports WHERE endpoint = ?`, ids[0]); err != nil {
			return err
		}
		_, err = t.Exec(ctx, `DELETE FROM callback_batches WHERE endpoint = ?`, ids[0])
		return err
	})
}

// ResealCallbackEndpoint replaces the sealed secret of an endpoint.
func (s *Store) ResealCallbackEndpoint(ctx context.Context, id int64, from, to []byte) error {
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := t.Exec(ctx, `UPDATE callback_endpoints SET secret = ? WHERE id = ? AND secret = ?`, to, id, from)
		return err
	})
}

// selectEndpointIDs returns the ids of callback endpoints by name, without the unknown ones.
func selectEndpointIDs(ctx context.Context, t *database.Tx, names []string) (map[string]int64, error) {
	ids := make(map[string]int64, len(names))
	for some := range database.ChunkLists(t, names, maxStatementRows) {
		in, args := database.In(t, some)
		found, err := database.Select(ctx, t, func(rows *sql.Rows, e *alert.CallbackEndpoint) error { return rows.Scan(&e.ID, &e.Name) },
			`SELECT id, name FROM callback_endpoints WHERE name `+in, args...)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			ids[e.Name] = e.ID
		}
	}
	return ids, nil
}
