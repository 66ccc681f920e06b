package store

import (
	"context"
	"math"

	ent "github.com/bongsu-project/bongsu/gen/ent/event"
	entletter "github.com/bongsu-project/bongsu/gen/ent/event/deadletter"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/event"
)

var _ event.DeadLetters = (*Store)(nil)

// AddDeadLetters stores dead letters, in their order.
func (s *Store) AddDeadLetters(ctx context.Context, letters []event.DeadLetter) error {
	if len(letters) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for _, l := range letters {
			_, err := t.Exec(ctx, `INSERT INTO dead_letters (key, event, rule, reason, create_time) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (key) DO UPDATE SET reason = excluded.reason`, l.Key, l.Event, l.Rule, l.Reason, l.CreateTime.UnixMicro())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DeadLetters returns dead letters, the highest id first.
func (s *Store) DeadLetters(ctx context.Context, q event.DeadLetterQuery) (letters []event.DeadLetter, err error) {
	if q.Before == 0 {
		q.Before = math.MaxInt64
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		query := client(t).DeadLetter.Query().Where(entletter.IDLT(int(q.Before))).Order(ent.Desc(entletter.FieldID)).Limit(q.Limit)
		if q.Rule != "" {
			query = query.Where(entletter.Rule(q.Rule))
		}
		rows, err := query.All(ctx)
		letters = lettersOf(rows)
		return err
	})
	return letters, err
}

// DeadLettersByID returns the dead letters with the ids.
func (s *Store) DeadLettersByID(ctx context.Context, ids []int64) (letters []event.DeadLetter, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, err := client(t).DeadLetter.Query().Where(entletter.IDIn(ints(ids)...)).Order(ent.Asc(entletter.FieldID)).All(ctx)
		letters = lettersOf(rows)
		return err
	})
	return letters, err
}

// DeleteDeadLetters deletes the dead letters with the ids.
func (s *Store) DeleteDeadLetters(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		_, err := client(t).DeadLetter.Delete().Where(entletter.IDIn(ints(ids)...)).Exec(ctx)
		return err
	})
}

// CountDeadLetters returns the number of dead letters.
func (s *Store) CountDeadLetters(ctx context.Context) (int, error) {
	n, _, err := s.db.QueryInt(ctx, `SELECT COUNT(*) FROM dead_letters`)
	return int(n), err
}

func ints(ids []int64) []int {
	all := make([]int, len(ids))
	for i, id := range ids {
		all[i] = int(id)
	}
	return all
}

func lettersOf(rows []*ent.DeadLetter) []event.DeadLetter {
	letters := make([]event.DeadLetter, len(rows))
	for i, row := range rows {
		letters[i] = event.DeadLetter{
			ID: int64(row.ID), Key: row.Key, Event: row.Event, Rule: row.Rule, Reason: row.Reason, CreateTime: moment(row.CreateTime),
		}
	}
	return letters
}
