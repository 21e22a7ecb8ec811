//! Paths, parameters and privileges.

use std::collections::BTreeMap;

use serde_json::Value;
use simulator::{Access, Product};

use crate::reference;

/// Paths, parameters with their types, and privileges.
#[test]
fn routes_are_those_of_the_schemas() {
    let Some(folder) = reference() else { return };
    let mut found = Vec::new();
    for (product, file) in [
        (Product::Pve, "pve-api.json"),
        (Product::Pbs, "pbs-api.json"),
    ] {
        let schema: Value = serde_json::from_str(
            &std::fs::read_to_string(folder.join("schema").join(file)).unwrap(),
        )
        .unwrap();
        let mut known = BTreeMap::new();
        collect(&schema, &mut known);
        for route in simulator::routes()
            .into_iter()
            .filter(|route| route.product == product)
        {
            let path = route.path;
            let Some(call) = known.get(path).and_then(|info| info.get("GET")) else {
                found.push(format!("{path}: not in {file}"));
                continue;
            };
            let empty = serde_json::Map::new();
            let properties = call["parameters"]["properties"]
                .as_object()
                .unwrap_or(&empty);
            for (name, property) in properties
                .iter()
                .filter(|(name, _)| !path.contains(&format!("{{{name}}}")))
            {
                match route
                    .parameters
                    .iter()
                    .find(|parameter| parameter.name == name)
                {
                    None => found.push(format!("{path}: parameter {name} is missing")),
                    Some(parameter) => {
                        let wanted = match parameter.kind {
                            simulator::Kind::Boolean => "boolean",
                            simulator::Kind::Integer => "integer",
                            simulator::Kind::Text | simulator::Kind::OneOf(_) => "string",
                            simulator::Kind::ListOf(_) => "array",
                        };
                        if property["type"] != wanted {
                            found.push(format!("{path}: {name} is {}", property["type"]));
                        }
                    }
                }
            }
            for parameter in route.parameters {
                if !properties.contains_key(parameter.name) {
                    found.push(format!(
                        "{path}: parameter {} is not in the schema",
                        parameter.name
                    ));
                }
            }
            let permissions = &call["permissions"];
            let agrees = match route.access {
                Access::World => permissions["user"] == "world",
                Access::Everyone => permissions["user"] == "all",
                Access::Either { paths, name } => {
                    let [one, other] = paths.map(|path| serde_json::json!(["perm", path, [name]]));
                    permissions["check"] == serde_json::json!(["or", one, other])
                }
                Access::Privilege { path, name } => {
                    let check = &permissions["check"];
                    let names: Vec<&str> = name.split('|').collect();
                    *check == serde_json::json!(["perm", path, [name]])
                        || *check == serde_json::json!(["perm", path, names, "any", 1])
                        || (check["path"].as_array().is_some_and(|parts| {
                            parts
                                .iter()
                                .map(|part| format!("/{}", part.as_str().unwrap_or_default()))
                                .collect::<String>()
                                == path.trim_end_matches('/')
                        }) && check["privs"] == serde_json::json!([name]))
                }
            };
            if !agrees {
                found.push(format!(
                    "{path}: {:?}, the schema has {permissions}",
                    route.access
                ));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn collect(nodes: &Value, known: &mut BTreeMap<String, Value>) {
    for node in nodes.as_array().into_iter().flatten() {
        if let Some(path) = node["path"].as_str() {
            known.insert(path.to_owned(), node["info"].clone());
        }
        collect(&node["children"], known);
    }
}
