package store

import (
	"embed"

	"github.com/bongsu-project/bongsu/kit/database"
)

//go:embed migrations
var migrations embed.FS

// Schema is the schema of the incident service's database.
var Schema = database.Schema{Name: "incident", Application: "bongsu", Migrations: migrations}
