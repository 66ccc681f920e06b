package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/incident"
)

const silenceColumns = `id, matchers, start_time, end_time, create_time, reason, author`

// AddSilence stores a silence.
func (s *Store) AddSilence(ctx context.Context, silence incident.Silence, expired time.Time, limit int) (incident.Silence, error) {
	matchers, err := json.Marshal(silence.Matchers)
	if err != nil {
		return incident.Silence{}, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if err := changeSilences(ctx, t, silence.CreateTime); err != nil {
			return err
		}
		if _, err := t.Exec(ctx, `DELETE FROM silences WHERE end_time <= ?`, micros(expired)); err != nil {
			return err
		}
		n, err := database.Select(ctx, t, scanInt, `SELECT count(*) FROM silences WHERE end_time > ?`, micros(silence.CreateTime))
		if err != nil {
			return err
		}
		if n[0] >= int64(limit) {
			return fault.WithReason(fault.Exhaustedf("there are %d silences that have not ended, at most %d: expire some", n[0], limit), "TOO_MANY_SILENCES")
		}
		ids, err := database.Select(ctx, t, scanInt, `INSERT INTO silences (matchers, start_time, end_time, create_time, reason, author)
			VALUES (?, ?, ?, ?, ?, ?) RETURNING id`,
			string(matchers), micros(silence.Start), micros(silence.End), micros(silence.CreateTime), silence.Reason, silence.Author)
		if err != nil {
			return err
		}
		silence.ID = ids[0]
		return nil
	})
	return silence, err
}

// changeSilences assigns a new revision to silences, and locks them until the commit.
func changeSilences(ctx context.Context, t *database.Tx, now time.Time) error {
	_, err := t.Exec(ctx, `INSERT INTO revisions (id, last) VALUES (2, ?) ON CONFLICT (id) DO UPDATE
		SET last = CASE WHEN excluded.last > revisions.last THEN excluded.last ELSE revisions.last + 1 END`, micros(now))
	return err
}

// Silence returns a silence.
func (s *Store) Silence(ctx context.Context, id int64) (silence incident.Silence, err error) {
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		silence, err = selectSilence(ctx, t, id)
		return err
	})
	return silence, err
}

// selectSilence returns a silence.
func selectSilence(ctx context.Context, t *database.Tx, id int64) (incident.Silence, error) {
	found, err := database.Select(ctx, t, scanSilence, `SELECT `+silenceColumns+` FROM silences WHERE id = ?`, id)
	if err != nil {
		return incident.Silence{}, err
	}
	if len(found) == 0 {
		text := strconv.FormatInt(id, 10)
		return incident.Silence{}, fault.WithResource(fault.NotFoundf("silence %s not found", text), "silence", text)
	}
	return found[0], nil
}

// ListSilences returns silences by their end.
func (s *Store) ListSilences(ctx context.Context, q incident.SilenceQuery) (found []incident.Silence, err error) {
	condition, args := `end_time > ?`, []any{micros(q.EndAfter)}
	if q.BeforeID != 0 {
		condition += ` AND (end_time < ? OR end_time = ? AND id < ?)`
		args = append(args, micros(q.BeforeEnd), micros(q.BeforeEnd), q.BeforeID)
	}
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		found, err = database.Select(ctx, t, scanSilence,
			`SELECT `+silenceColumns+` FROM silences WHERE `+condition+` ORDER BY end_time DESC, id DESC LIMIT ?`, append(args, q.Limit)...)
		return err
	})
	return found, err
}

// ExpireSilence ends a silence.
func (s *Store) ExpireSilence(ctx context.Context, id int64, now time.Time) (silence incident.Silence, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		if err := changeSilences(ctx, t, now); err != nil {
			return err
		}
		if silence, err = selectSilence(ctx, t, id); err != nil || !now.Before(silence.End) {
			return err
		}
		silence.End = moment(micros(now))
		if silence.Start.After(silence.End) {
			silence.Start = silence.End
		}
		_, err := t.Exec(ctx, `UPDATE silences SET start_time = ?, end_time = ? WHERE id = ?`, micros(silence.Start), micros(silence.End), id)
		return err
	})
	return silence, err
}

// SilenceRevision returns the last revision.
func (s *Store) SilenceRevision(ctx context.Context) (int64, error) {
	revision, _, err := s.db.QueryInt(ctx, `SELECT last FROM revisions WHERE id = 2`)
	return revision, err
}

// ActiveSilences returns the silences that have not ended. The revision is read first: later
// silences are returned again under theirs.
func (s *Store) ActiveSilences(ctx context.Context, now time.Time) (revision int64, silences []incident.Silence, err error) {
	if revision, err = s.SilenceRevision(ctx); err != nil {
		return 0, nil, err
	}
	err = s.db.ReadSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		silences, err = database.Select(ctx, t, scanSilence, `SELECT `+silenceColumns+` FROM silences WHERE end_time > ? ORDER BY id`, micros(now))
		return err
	})
	return revision, silences, err
}

func scanSilence(rows *sql.Rows, s *incident.Silence) error {
	var matchers string
	var start, end, create int64
	if err := rows.Scan(&s.ID, &matchers, &start, &end, &create, &s.Reason, &s.Author); err != nil {
		return err
	}
	s.Start, s.End, s.CreateTime = moment(start), moment(end), moment(create)
	if err := json.Unmarshal([]byte(matchers), &s.Matchers); err != nil {
		return fmt.Errorf("decode matchers of silence %d: %w", s.ID, err)
	}
	return nil
}
