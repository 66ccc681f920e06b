package job

import (
	"fmt"
	"strings"
)

// knownSeverities holds the severities of other systems by rank: of syslog, PagerDuty,
// Opsgenie, Prometheus, Zabbix, Nagios, Icinga and Datadog. They are compared without
// case, spaces, hyphens and underscores. An unknown severity ranks as Normal.
var knownSeverities = [...][]string{
	Critical: {
		"critical", "crit", "emergency", "emerg", "panic", "alert", "fatal", "disaster", "page", "pager", "blocker", "urgent", "down",
		"p0", "p1", "sev0", "sev1", "s0", "s1", "severity0", "severity1", "priority0", "priority1",
	},
	High: {
		"high", "error", "err", "major", "severe", "serious", "important",
		"p2", "sev2", "s2", "severity2", "priority2",
	},
	Normal: {
		"normal", "warning", "warn", "average", "medium", "moderate", "minor",
		"p3", "sev3", "s3", "severity3", "priority3",
	},
	Low: {
		"low", "info", "information", "informational", "notice", "debug", "trace", "verbose", "none", "ok", "trivial", "notclassified",
		"p4", "p5", "sev4", "sev5", "s4", "s5", "severity4", "severity5", "priority4", "priority5",
	},
}

// rankBySeverity maps each normalized severity to its rank.
var rankBySeverity = func() map[string]Rank {
	all := map[string]Rank{}
	for rank, words := range knownSeverities {
		for _, word := range words {
			all[word] = Rank(rank)
		}
	}
	return all
}()

// RankOf returns the rank of a severity without a severity map.
func RankOf(severity string) Rank { return SeverityMap(nil).Rank(severity) }

// A SeverityMap maps normalized severities to ranks, and takes precedence over the known
// severities. The zero value is empty.
type SeverityMap map[string]Rank

// ParseSeverityMap parses entries such as page=critical. It returns an error for an entry
// of another form, and for a severity with two ranks.
func ParseSeverityMap(entries []string) (SeverityMap, error) {
	m := SeverityMap{}
	for _, entry := range entries {
		word, name, ok := strings.Cut(entry, "=")
		plain := normalizeSeverity(word)
		if !ok || plain == "" {
			return nil, fmt.Errorf("invalid entry %q: want severity=rank, such as page=critical", entry)
		}
		rank, ok := parseRank(strings.TrimSpace(name))
		if !ok {
			return nil, fmt.Errorf("invalid rank in %q: want critical, high, normal or low", entry)
		}
		if other, ok := m[plain]; ok && other != rank {
			return nil, fmt.Errorf("%q: severity has two ranks, %s and %s", entry, other, rank)
		}
		m[plain] = rank
	}
	return m, nil
}

// Rank returns the rank of a severity, Normal for an unknown one.
func (m SeverityMap) Rank(severity string) Rank {
	if len(m) == 0 {
		switch severity { // fast path: most severities are one of these
		case "normal", "":
			return Normal
		case "critical":
			return Critical
		case "high":
			return High
		case "low":
			return Low
		}
	}
	plain := normalizeSeverity(severity)
	if rank, ok := m[plain]; ok {
		return rank
	}
	if rank, ok := rankBySeverity[plain]; ok {
		return rank
	}
	return Normal
}

// parseRank returns the rank with a name, compared without case.
func parseRank(name string) (Rank, bool) {
	for _, r := range Ranks {
		if strings.EqualFold(name, r.String()) {
			return r, true
		}
	}
	return Normal, false
}

// normalizeSeverity returns a severity in lower case, without spaces, hyphens and underscores.
func normalizeSeverity(severity string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '_', '\t':
			return -1
		}
		return r
	}, strings.ToLower(severity))
}
