package store

import (
	"database/sql"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/services/incident"
)

// incidentColumns are the columns that scanIncident reads, and incidentRow writes.
const incidentColumns = `id, alert_key, state, severity, title, message, link, source, targets, messengers, escalation,
	alert_count, reopen_count, open_time, update_time, resolve_time, ack_time, ack_by, entry_count, last_change, revision`

// incidentTypes are the types of the columns of an incident in PostgreSQL.
var incidentTypes = []string{
	"bigint", "text", "bigint", "text", "text", "text", "text", "text", "text", "text", "text",
	"bigint", "bigint", "bigint", "bigint", "bigint", "bigint", "text", "bigint", "bigint", "bigint",
}

func scanIncident(rows *sql.Rows, i *incident.Incident) error {
	var targets, messengers string
	var opened, updated, resolved, acknowledged int64
	err := rows.Scan(&i.ID, &i.Key, &i.State, &i.Severity, &i.Title, &i.Message, &i.Link, &i.Source, &targets, &messengers, &i.Escalation,
		&i.AlertCount, &i.ReopenCount, &opened, &updated, &resolved, &acknowledged, &i.AckBy, &i.EntryCount, &i.LastChange, &i.Revision)
	if err != nil {
		return err
	}
	i.OpenTime, i.UpdateTime, i.ResolveTime, i.AckTime = moment(opened), moment(updated), moment(resolved), moment(acknowledged)
	if i.Targets, err = decodeList(targets); err != nil {
		return err
	}
	i.By, err = decodeList(messengers)
	return err
}

// incidentRow returns the values of the columns of an incident.
func incidentRow(i incident.Incident) []any {
	return []any{
		i.ID, storable(i.Key), int64(i.State), storable(i.Severity), storable(i.Title), storable(i.Message), storable(i.Link), storable(i.Source),
		encodeList(i.Targets), encodeList(i.By), storable(i.Escalation),
		i.AlertCount, int64(i.ReopenCount), micros(i.OpenTime), micros(i.UpdateTime), micros(i.ResolveTime), micros(i.AckTime), storable(i.AckBy),
		int64(i.EntryCount), i.LastChange, i.Revision,
	}
}

// stored returns an incident as the store returns it.
func stored(i incident.Incident) incident.Incident {
	for _, at := range []*time.Time{&i.OpenTime, &i.UpdateTime, &i.ResolveTime, &i.AckTime} {
		*at = moment(micros(*at))
	}
	return i
}

// encodeList returns a list in JSON; empty for an empty one.
func encodeList(list []string) string {
	if len(list) == 0 {
		return ""
	}
	text, _ := json.Marshal(list) // strings are always encoded
	return string(text)
}

func decodeList(text string) (list []string, err error) {
	if text == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &list)
	return list, err
}

// storable returns a text as both databases can store it.
func storable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
