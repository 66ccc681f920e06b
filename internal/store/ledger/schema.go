package ledger

import (
	"embed"

	"github.com/bongsu-project/bongsu/internal/store/database"
)

//go:embed migrations
var migrations embed.FS

// Schema is what the ledger's database must look like.
var Schema = database.Schema{Name: "ledger", Migrations: migrations}
