package database

import "strings"

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Contains returns the pattern of texts that contain a text in any case, for
// lower(column) LIKE ? ESCAPE '\'. In SQLite lower changes A to Z only.
func Contains(text string) string { return "%" + likeEscapes.Replace(strings.ToLower(text)) + "%" }
