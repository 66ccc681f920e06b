package directory

import (
	"embed"

	"github.com/bongsu-project/bongsu/internal/store/database"
)

//go:embed migrations
var migrations embed.FS

// Schema is the schema of the directory's database.
var Schema = database.Schema{Name: "directory", Migrations: migrations}
