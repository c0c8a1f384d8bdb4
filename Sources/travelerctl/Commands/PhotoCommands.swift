import ArgumentParser
import ControlAPI

extension Return {
    struct Photo: AsyncParsableCommand {
        static let configuration = CommandConfiguration.noun(
            "photo", "Pictures of items: JPEG, PNG or WebP, up to 10 MiB each and 10 an item.",
            example: "return photo add 4711 B-0001 corner.jpg --kind damage",
            [List.self, Add.self, Fetch.self, Delete.self])

        enum Kind: String, Word { case damage, condition, label, other }

        struct List: Call, ItemCall {
            static let configuration = CommandConfiguration.verb(
                "list", "The photos of an item.", example: "return photo list 4711 4713")
            @Argument(help: .customerReturn) var id: String
            @Argument(help: .returnItem) var item: String
            @OptionGroup var options: CallOptions
            var request: Request { .get("returns", id, "items", item, "photos") }
            var view: View {
                .items(
                    Table(
                        columns: [
                            Column("PHOTO", "id"), Column("KIND", "kind"), Column("TYPE", "type", rank: 2),
                            Column("BYTES", "size", .number, rank: 3), Column("WHO", "by", rank: 4),
                            Column("TIME", "at", .time, rank: 5), Column("NOTE", "note", rank: 1, shrinks: true),
                        ], empty: "No photos. Add one: 'travelerctl return photo add'."))
            }
        }

        struct Add: Call, ItemCall {
            static let configuration = CommandConfiguration.verb(
                "add", "Add a photo to an item of an open return.",
                example: "return photo add 4711 B-0001 corner.jpg --kind damage \\\n    --note \"left corner\"")
            @Argument(help: .customerReturn) var id: String
            @Argument(help: .returnItem) var item: String
            @Argument(help: "The picture, or - for the standard input.", completion: .file()) var file: String
            @Option(help: "What it shows.") var kind: Kind = .other
            @Option(help: "What there is to say to it.") var note: String?
            @OptionGroup var options: CallOptions
            var request: Request {
                var request = Request(
                    method: .POST, path: ["returns", id, "items", item, "photos"], body: .file(file), patience: 120)
                request.query = Request.get(query: ["kind": kind.rawValue, "note": note]).query
                return request
            }
            var view: View {
                .sentence { "Photo \($0["id"]?.plain ?? "?") is kept, \($0["size"]?.plain ?? "?") bytes." }
            }
        }

        struct Fetch: Download, ItemCall {
            static let configuration = CommandConfiguration.verb(
                "fetch", "Bring a photo's bytes to a new file.",
                example: "return photo fetch 4711 4713 4720 -o corner.jpg")
            @Argument(help: .customerReturn) var id: String
            @Argument(help: .returnItem) var item: String
            @Argument(help: "Number of the photo.") var photo: String
            @Option(name: .shortAndLong, help: "The new file, or - for the standard output.", completion: .file())
            var output: String
            @OptionGroup var daemon: SocketOption
            var file: String? { output }
            var request: Request { .get("returns", id, "items", item, "photos", photo, patience: 120) }
        }

        struct Delete: Ending, ItemCall {
            static let configuration = CommandConfiguration.verb(
                "delete", "Delete a photo; that it was there stays on record.",
                example: "return photo delete 4711 4713 4720")
            @Argument(help: .customerReturn) var id: String
            @Argument(help: .returnItem) var item: String
            @Argument(help: "Number of the photo.") var photo: String
            @OptionGroup var consent: Consent
            @OptionGroup var options: CallOptions
            func question(_ connection: Connection) async throws -> String? {
                "Delete the photo \(visible(photo)) for good?"
            }
            var request: Request {
                Request(method: .DELETE, path: ["returns", id, "items", item, "photos", photo])
            }
            var view: View {
                .sentence { "The photo is deleted; \(count($0["items"]?.array?.count ?? 0, "photo")) left." }
            }
        }
    }
}
