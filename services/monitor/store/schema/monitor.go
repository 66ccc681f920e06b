package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Monitor is a check that runs at an interval.
type Monitor struct{ ent.Schema }

// Annotations of Monitor.
func (Monitor) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("monitors")}
}

// Fields of Monitor.
func (Monitor) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Text("name").Comment("unique"),
		field.Text("title").Comment("for people; empty for the name"),
		field.Text("group_name").Comment("the heading on the status page; empty for none"),
		field.Text("kind").Comment("the kind of the check"),
		field.Text("check_settings").Comment("the check in JSON, its secrets sealed"),
		field.Text("settings").Comment("the other settings in JSON"),
		field.Bool("built_in").Comment("created by the service"),
		field.Int64("create_time").Comment("when it was created"),
		field.Int64("update_time").Comment("when its settings last changed"),
		field.Int64("revision").Comment("ascends with each change of the settings of any monitor"),
	}
}

// Indexes of Monitor.
func (Monitor) Indexes() []ent.Index {
	return []ent.Index{index.Fields("name").Unique(), index.Fields("revision")}
}

// Dependency is a monitor that another one depends on.
type Dependency struct{ ent.Schema }

// Annotations of Dependency.
func (Dependency) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("monitor_dependencies")}
}

// Fields of Dependency.
func (Dependency) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Comment("assigned by the database"),
		field.Int64("monitor").Comment("the monitor that depends on another"),
		field.Int64("depends_on").Comment("the other one"),
	}
}

// Indexes of Dependency.
func (Dependency) Indexes() []ent.Index {
	return []ent.Index{index.Fields("monitor", "depends_on").Unique(), index.Fields("depends_on")}
}

// Deletion is a monitor that was deleted.
type Deletion struct{ ent.Schema }

// Annotations of Deletion.
func (Deletion) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("monitor_deletions")}
}

// Fields of Deletion.
func (Deletion) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Annotations(entsql.Annotation{Incremental: new(bool)}).Comment("that of the monitor"),
		field.Text("name").Comment("that of the monitor"),
		field.Int64("delete_time").Comment("when it was deleted"),
		field.Int64("revision").Comment("that of the deletion"),
		field.Bool("cleared").Comment("its results are deleted too"),
	}
}

// Indexes of Deletion.
func (Deletion) Indexes() []ent.Index {
	return []ent.Index{index.Fields("revision")}
}
