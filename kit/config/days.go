// Package config parses values of settings.
package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// maxDays is the maximum of ParseDays: a century.
const maxDays = 36500

// errDays is the error of ParseDays.
var errDays = errors.New("use days such as 30d, or a duration such as 720h")

// ParseDays parses days such as 30d, a duration such as 720h, or both (1d12h), from 0 to
// 36500d in each part. The error says what to use.
func ParseDays(text string) (time.Duration, error) {
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > maxDays {
		return 0, errDays
	}
	total := time.Duration(n) * 24 * time.Hour
	if rest != "" || !ok {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 || more > maxDays*24*time.Hour {
			return 0, errDays
		}
		total += more
	}
	return total, nil
}
