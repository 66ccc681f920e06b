package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Status is the state of a monitor, with its last results and the sums of the present hour. All of
// it changes with each result, so it is one row, apart from the settings.
type Status struct{ ent.Schema }

// Annotations of Status.
func (Status) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("monitor_statuses")}
}

// Fields of Status.
func (Status) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Annotations(entsql.Annotation{Incremental: new(bool)}).Comment("that of the monitor"),
		field.Int64("revision").Comment("that of the monitor"),
		field.Int8("state").Comment("1 pending, 2 up, 3 down, 4 unknown, 5 paused, 6 maintenance"),
		field.Int64("since").Comment("when the state began"),
		field.Text("reason").Comment("why it is not up"),
		field.Text("recent").Comment("the outcomes of the last results, the newest last: p passed, f failed, u unknown"),
		field.Text("changes").Comment("the times of the last changes between up and down, a list in JSON; empty for none"),
		field.Bool("flapping").Comment("it is flapping"),
		field.Bool("firing").Comment("an alert is open"),
		field.Int64("fire_time").Comment("since when an alert is open"),
		field.Int64("next_time").Comment("when the next check is due, or a heartbeat is late"),
		field.Int64("late_time").Comment("when a heartbeat is to be taken as late; 0 for never"),
		field.Int64("start_time").Comment("when the run of a heartbeat began that has not ended"),
		field.Int64("last_notice").Comment("the number of its last notice"),
		field.Int64("last_time").Comment("the time of its last result"),
		field.Int64("hour_start").Comment("the hour of the sums; 0 for none"),
		field.Int64("passed").Comment("the number of results of the hour that passed"),
		field.Int64("failed").Comment("the number of results of the hour that failed"),
		field.Int64("unknown").Comment("the number of results of the hour that are unknown"),
		field.Int64("excluded").Comment("the number of results of the hour in maintenance windows"),
		field.Int64("latency_sum").Comment("the latency of all that passed"),
		field.Int64("max_latency").Comment("the maximum of their latency"),
		field.Int("result_count").Comment("the number of results"),
		field.Bytes("results").Comment("the last results, which are in no block"),
	}
}

// Indexes of Status. No other column may have one: PostgreSQL then updates a row without its
// indexes.
func (Status) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("late_time").StorageKey("monitor_late").Annotations(entsql.IndexWhere("late_time > 0")),
		index.Fields("hour_start").StorageKey("monitor_hour").Annotations(entsql.IndexWhere("hour_start > 0")),
	}
}

// Block is consecutive results of a monitor within an hour. Ids ascend almost as the times do.
type Block struct{ ent.Schema }

// Annotations of Block.
func (Block) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("result_blocks")}
}

// Fields of Block.
func (Block) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Int64("monitor").Comment("the monitor"),
		field.Int64("end_time").Comment("the time of the last result"),
		field.Int("outcomes").Comment("a bit for each outcome that a result has: 2 passed, 4 failed, 8 unknown"),
		field.Bytes("results").Comment("the results"),
	}
}

// Indexes of Block.
func (Block) Indexes() []ent.Index {
	return []ent.Index{index.Fields("monitor", "end_time")}
}

// Day holds the sums of the results of a monitor by the hour of a day in UTC. Ids ascend almost as the
// times do.
type Day struct{ ent.Schema }

// Annotations of Day.
func (Day) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("uptime_days")}
}

// Fields of Day.
func (Day) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Int64("monitor").Comment("the monitor"),
		field.Int64("day_start").Comment("when the day began"),
		field.Bytes("hours").Comment("the sums of its hours"),
	}
}

// Indexes of Day.
func (Day) Indexes() []ent.Index {
	return []ent.Index{index.Fields("monitor", "day_start").Unique()}
}
