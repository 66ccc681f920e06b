package job

import (
	"fmt"
	"strings"
)

// severities holds the severities of other systems by rank: of syslog, PagerDuty,
// Opsgenie, Prometheus, Zabbix, Nagios, Icinga and Datadog. They are compared without
// case, spaces, hyphens and underscores. A word that is not here ranks as Normal.
var severities = [...][]string{
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

// ranks holds the ranks of severities by their plain word.
var ranks = func() map[string]Rank {
	all := map[string]Rank{}
	for rank, words := range severities {
		for _, word := range words {
			all[word] = Rank(rank)
		}
	}
	return all
}()

// RankOf returns the rank of a severity by the words that are known.
func RankOf(severity string) Rank { return SeverityMap(nil).Rank(severity) }

// A SeverityMap holds ranks of severities beside those that are known, by plain word.
// The zero value has none.
type SeverityMap map[string]Rank

// ParseSeverityMap returns the map of entries such as page=critical.
func ParseSeverityMap(entries []string) (SeverityMap, error) {
	m := SeverityMap{}
	for _, entry := range entries {
		word, name, ok := strings.Cut(entry, "=")
		plain := plainWord(word)
		if !ok || plain == "" {
			return nil, fmt.Errorf("%q is not of the form word=rank, such as page=critical", entry)
		}
		rank, ok := rankNamed(strings.TrimSpace(name))
		if !ok {
			return nil, fmt.Errorf("%q: the rank is critical, high, normal or low", entry)
		}
		if other, ok := m[plain]; ok && other != rank {
			return nil, fmt.Errorf("%q: the word ranks as %s and as %s", entry, other, rank)
		}
		m[plain] = rank
	}
	return m, nil
}

// Rank returns the rank of a severity, Normal where the word is not known.
func (m SeverityMap) Rank(severity string) Rank {
	if len(m) == 0 {
		switch severity { // most are one of these, and need no plain word
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
	plain := plainWord(severity)
	if rank, ok := m[plain]; ok {
		return rank
	}
	if rank, ok := ranks[plain]; ok {
		return rank
	}
	return Normal
}

// rankNamed returns the rank with a name.
func rankNamed(name string) (Rank, bool) {
	for _, r := range Ranks {
		if strings.EqualFold(name, r.String()) {
			return r, true
		}
	}
	return Normal, false
}

// plainWord returns a severity in lower case, without spaces, hyphens and underscores.
func plainWord(severity string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '_', '\t':
			return -1
		}
		return r
	}, strings.ToLower(severity))
}
