package directory

import (
	"embed"

	"github.com/bongsu-project/bongsu/internal/store/database"
)

//go:embed migrations
var migrations embed.FS

// Schema is what the directory's database must look like.
var Schema = database.Schema{Name: "directory", Migrations: migrations}
