package app

import (
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// runRetention runs the retention of alerts, unless they are kept forever.
func (b *builder) runRetention(store *ledger.Store) {
	if b.config.retention == 0 {
		return
	}
	k := &alert.RetentionLoop{Deleter: store, Retention: b.config.retention, OnDelete: b.metrics.Deleted, Now: b.config.Now, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], k.Run)
	b.log.Info("deleting alerts after their retention", "keep", b.config.retention.String())
}
