package ledger

import (
	"embed"

	"github.com/bongsu-project/bongsu/kit/database"
)

//go:embed migrations
var migrations embed.FS

// Schema describes the database of the ledger.
var Schema = database.Schema{Name: "ledger", Application: "bongsu", Migrations: migrations}
