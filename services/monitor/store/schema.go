package store

import (
	"embed"

	"github.com/bongsu-project/bongsu/kit/database"
)

//go:embed migrations
var migrations embed.FS

// Schema is the schema of the monitor service's database.
var Schema = database.Schema{Name: "monitor", Application: "bongsu", Migrations: migrations}
