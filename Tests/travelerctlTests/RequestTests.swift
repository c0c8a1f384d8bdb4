import ArgumentParser
import ControlAPI
import Testing

@testable import travelerctl

/// What each command asks the daemon for; no daemon is needed to know.
@Suite struct RequestTests {
    @Test(
        "commands that ask",
        arguments: [
            ("status", "/v1/status"), ("whoami", "/v1/whoami"),
            ("site export", "/v1/site"), ("backup FILE", "/v1/backup"),
            ("product list", "/v1/products"),
            (
                "product list --view all --type pcb --search a&b --low-stock",
                "/v1/products?view=all&type=pcb&search=a%26b&low_stock=true"
            ),
            ("product show PCB-100", "/v1/products/PCB-100"),
            ("unit list", "/v1/units"),
            (
                "unit list --status in_stock --stage qa --product P --work-order 1 --team smt --mine --sort -serial",
                "/v1/units?status=in_stock&stage=qa&product=P&work_order=1&team=smt&mine=true&order=-serial"
            ),
            ("unit show A/B?c#d%", "/v1/units/A%2FB%3Fc%23d%25"), ("unit show ..", "/v1/units/%2E%2E"),
            ("unit history X", "/v1/units/X/history"),
            (
                "work-order list --status released --product P --team T",
                "/v1/work-orders?status=released&product=P&team=T"
            ),
            ("work-order show 1001", "/v1/work-orders/1001"),
            ("station list", "/v1/stations"), ("station show QA-1", "/v1/stations/QA-1"),
            ("label preview X --station L", "/v1/units/X/label?station=L"), ("label preview X", "/v1/units/X/label"),
            ("label jobs --status failed --serial X", "/v1/labels?status=failed&serial=X"),
            ("delivery list --order SO-77 --status open", "/v1/deliveries?order=SO-77&status=open"),
            ("delivery show 12", "/v1/deliveries/12"),
            (
                "log inventory --product P --action restock --from 2026-03-02T00:00:00Z",
                "/v1/inventory-log?product=P&action=restock&from=2026-03-02T00%3A00%3A00.000Z"
            ),
            (
                "log audit --actor mia --kind unit.passed --to 2026-03-02T00:00:00+01:00",
                "/v1/audit?actor=mia&kind=unit.passed&to=2026-03-01T23%3A00%3A00.000Z"
            ),
            ("log scans --station QA-1 --result refused", "/v1/scans?station=QA-1&result=refused"),
            ("person list", "/v1/people"), ("person show mia", "/v1/people/mia"),
            ("team list", "/v1/teams"), ("team show smt", "/v1/teams/smt"),
            ("department list", "/v1/departments"), ("department show e", "/v1/departments/e"),
            ("supplier list", "/v1/suppliers"), ("supplier show acme", "/v1/suppliers/acme"),
            ("defect-type list", "/v1/defect-types"),
            (
                "defect list --group with_supplier --type T --product P --supplier acme --sort product --search a",
                "/v1/defects?group=with_supplier&type=T&product=P&search=a&supplier=acme&order=product"
            ),
            ("defect list --sort -supplier --source stock", "/v1/defects?source=stock&order=-supplier"),
            ("defect list --awaiting --status resolved", "/v1/defects?status=resolved&awaiting=true"),
            ("defect show 12", "/v1/defects/12"), ("defect history 12", "/v1/defects/12/history"),
            (
                "return list --order SO-1 --customer N --kind exchange --status created --reason other --inspector r",
                "/v1/returns?order=SO-1&customer=N&kind=exchange&status=created&expected=false&reason=other&inspector=r"
            ),
            ("return show 12", "/v1/returns/12"), ("return photo list 1 2", "/v1/returns/1/items/2/photos"),
            ("return photo fetch 1 2 3 -o F", "/v1/returns/1/items/2/photos/3"),
            ("repacking list --status ready --return 1", "/v1/repacking?status=ready&return=1"),
            ("customer show a/b", "/v1/customers/a%2Fb"), ("customer list", "/v1/customers"),
            ("qc-task list --status pending", "/v1/qc-tasks?status=pending"),
            ("report returns --by reason", "/v1/reports/returns?by=reason"),
            ("webhook deliveries 4 --status dead", "/v1/webhooks/4/deliveries?status=dead"),
            ("spare-part list --low", "/v1/spare-parts?low=true"), ("spare-part list", "/v1/spare-parts"),
            ("supplier returns acme", "/v1/supplier-returns?supplier=acme"),
            ("log write-offs --source defect --reason scrap", "/v1/write-offs?reason=scrap&source=defect"),
            ("log repairs --product P", "/v1/repairs?product=P"),
            ("return list --unsent", "/v1/returns?unsent=true"),
            ("return list --status expected", "/v1/returns?status=created&expected=true"),
            ("return list --status created", "/v1/returns?status=created&expected=false"),
            ("return list --status completed", "/v1/returns?status=completed"),
            ("report defects --by supplier", "/v1/reports/defects?by=supplier"),
            (
                "report defects --product P --location L --status pending --supplier s",
                "/v1/reports/defects?product=P&location=L&status=pending&supplier=s"
            ),
            ("defect list", "/v1/defects?order=open"), ("defect list --search a", "/v1/defects?search=a&order=open"),
            ("defect list --status pending", "/v1/defects?status=pending"),
            ("defect list --group resolved --sort date", "/v1/defects?group=resolved&order=date"),
            ("defect list --supplier-return 7", "/v1/defects?supplier_return=7&order=open"),
            ("return list --search nov", "/v1/returns?search=nov"),
            ("repacking list --location SHELF", "/v1/repacking?location=SHELF"),
            (
                "unit list --search 0001 --held --assignee mia --customer-order SO-1 --location SHELF",
                "/v1/units?location=SHELF&search=0001&on_hold=true&assignee=mia&customer_order=SO-1"
            ),
            (
                "unit list --from 2026-03-02T08:00:00Z",
                "/v1/units?from=2026-03-02T08%3A00%3A00.000Z&order=-created_at"
            ),
            (
                "unit list --changed --to 2026-03-02T08:00:00Z",
                "/v1/units?changed_to=2026-03-02T08%3A00%3A00.000Z&order=-updated_at"
            ),
            ("unit list --changed --sort serial", "/v1/units?order=serial"),
            ("report write-offs --by source", "/v1/reports/write-offs?by=source"),
            ("report spare-parts", "/v1/reports/spare-parts"),
            ("report wip", "/v1/reports/wip"), ("report yield", "/v1/reports/yield"),
            (
                "report throughput --from 2026-03-02T08:00:00Z",
                "/v1/reports/throughput?from=2026-03-02T08%3A00%3A00.000Z"
            ),
        ])
    func asks(command: String, target: String) throws {
        let request = try request(words(command))
        #expect(request.method == .GET)
        #expect(request.target == target)
        #expect(request.body == nil)
    }

    @Test(
        "commands that change",
        arguments: [
            (
                "product adjust RES-10K add 500 --note n", "POST /v1/products/RES-10K/adjustments",
                #"{"change":500,"note":"n"}"#
            ),
            (
                "product adjust RES-10K subtract 5 --note n", "POST /v1/products/RES-10K/adjustments",
                #"{"change":-5,"note":"n"}"#
            ),
            ("product inward CABLE-2M 40", "POST /v1/products/CABLE-2M/inward", #"{"quantity":40}"#),
            (
                "product inward CABLE-2M 40 --work-order C-1 --note n", "POST /v1/products/CABLE-2M/inward",
                #"{"note":"n","quantity":40,"work_order":"C-1"}"#
            ),
            (
                "spare-part add FUSE --name F --minimum 5 --cost 0.35 --supplier acme", "POST /v1/spare-parts",
                #"{"code":"FUSE","cost":0.35,"min_stock":5,"name":"F","supplier":"acme"}"#
            ),
            (
                "spare-part set FUSE --minimum 9", "PATCH /v1/spare-parts/FUSE", #"{"min_stock":9}"#
            ),
            (
                "spare-part set FUSE --no-spare-part", "PATCH /v1/spare-parts/FUSE", #"{"spare_part":false}"#
            ),
            (
                "unit register P A B --work-order 1001", "POST /v1/units",
                #"{"product":"P","serials":["A","B"],"work_order":"1001"}"#
            ),
            (
                "unit receive P A --supplier acme --cost 12.5 --note n", "POST /v1/units/receive",
                #"{"cost":12.5,"note":"n","product":"P","serials":["A"],"supplier":"acme"}"#
            ),
            (
                "unit defect X rework --to-stage assembly --type SOLDER --note n", "POST /v1/units/X/defect",
                #"{"disposition":"rework","note":"n","to_stage":"assembly","type":"SOLDER"}"#
            ),
            ("unit defect X pending --note n", "POST /v1/units/X/defect", #"{"disposition":"pending","note":"n"}"#),
            (
                "unit receive P A --replaces X --note n", "POST /v1/units/receive",
                #"{"note":"n","product":"P","replaces":"X","serials":["A"]}"#
            ),
            (
                "return create SO-1 A --item R=3 --reason other --expected", "POST /v1/returns",
                #"{"expected":true,"items":[{"serial":"A"},{"product":"R","quantity":3}],"kind":"return","#
                    + #""order":"SO-1","reason":"other"}"#
            ),
            (
                "return correct 1 --kind exchange --customer N", "PATCH /v1/returns/1",
                #"{"customer":"N","kind":"exchange"}"#
            ),
            ("return correct 1 --item 2 --condition good", "PATCH /v1/returns/1/items/2", #"{"condition":"good"}"#),
            ("return inspect-start 1", "POST /v1/returns/1/inspection", "{}"),
            (
                "return inspect-item 1 2 good restock --note n", "POST /v1/returns/1/items/2/inspection",
                #"{"condition":"good","decision":"restock","note":"n"}"#
            ),
            (
                "return checklist 1 1=yes 2=no:torn", "PUT /v1/returns/1/checklist",
                #"{"answers":[{"answer":"yes","question":1},{"answer":"no","note":"torn","question":2}]}"#
            ),
            ("return complete 1", "POST /v1/returns/1/complete", "{}"),
            ("return cancel 1 --note n", "POST /v1/returns/1/cancel", #"{"note":"n"}"#),
            (
                "repacking process 2 write_off --quantity 3 --reason lost", "POST /v1/repacking/2/process",
                #"{"action":"write_off","quantity":3,"reason":"lost"}"#
            ),
            (
                "webhook add http://a return.created", "POST /v1/webhooks",
                #"{"kinds":["return.created"],"url":"http://a"}"#
            ),
            ("unit supplier-repair X --note n", "POST /v1/units/X/supplier-repair", #"{"note":"n"}"#),
            (
                "defect create A B --type T=2 --type U --repairable 1 --location L --note n", "POST /v1/defects",
                #"{"location":"L","note":"n","repairable":1,"serials":["A","B"],"#
                    + #""types":[{"quantity":2,"type":"T"},{"type":"U"}]}"#
            ),
            (
                "defect create --product P --quantity 5 --reason r --supplier s --note n", "POST /v1/defects",
                #"{"note":"n","product":"P","quantity":5,"reason":"r","supplier":"s"}"#
            ),
            ("defect correct 12 --location L", "PATCH /v1/defects/12", #"{"location":"L"}"#),
            (
                "defect inspect 12 --repairable 1 --non-repairable 0 --type T=1", "POST /v1/defects/12/inspect",
                #"{"non_repairable":0,"repairable":1,"types":[{"quantity":1,"type":"T"}]}"#
            ),
            (
                "defect repair 12 A --to testing --part R=2 --note n", "POST /v1/defects/12/repair",
                #"{"note":"n","serials":["A"],"spare_parts":[{"product":"R","quantity":2}],"to":"testing"}"#
            ),
            (
                "defect write-off 12 --quantity 3 --reason scrap --note n", "POST /v1/defects/12/write-off",
                #"{"note":"n","quantity":3,"reason":"scrap"}"#
            ),
            (
                "defect supplier-repair 12 --quantity 3 --note n", "POST /v1/defects/12/supplier-repair",
                #"{"note":"n","quantity":3}"#
            ),
            (
                "defect resolve 12 --credit 45 --note n", "POST /v1/defects/12/resolve",
                #"{"credit":45.0,"note":"n"}"#
            ),
            ("defect-type add T --name N", "POST /v1/defect-types", #"{"code":"T","name":"N"}"#),
            ("defect-type rename T --name N", "PATCH /v1/defect-types/T", #"{"name":"N"}"#),
            ("defect-type retire T", "PATCH /v1/defect-types/T", #"{"retired":true}"#),
            ("unit hold X --note n", "POST /v1/units/X/hold", #"{"note":"n"}"#),
            ("unit release X", "POST /v1/units/X/release", "{}"),
            ("unit assign X --to mia", "POST /v1/units/X/assign", #"{"to":"mia"}"#),
            ("unit assign X --nobody", "POST /v1/units/X/assign", #"{"to":null}"#),
            (
                "unit write-off X --reason outlet_sale --price 3 --note n", "POST /v1/units/X/write-off",
                #"{"note":"n","price":3.0,"reason":"outlet_sale"}"#
            ),
            (
                "work-order create 1001 --product P --quantity 5 --team smt --due 2026-03-20", "POST /v1/work-orders",
                #"{"due":"2026-03-20","number":"1001","product":"P","quantity":5,"team":"smt"}"#
            ),
            ("work-order release 1001", "POST /v1/work-orders/1001/release", "{}"),
            ("work-order close 1001", "POST /v1/work-orders/1001/close", "{}"),
            ("work-order cancel 1001", "POST /v1/work-orders/1001/cancel", "{}"),
            ("label print X --station L", "POST /v1/labels", #"{"serial":"X","station":"L"}"#),
            ("label retry 7", "POST /v1/labels/7/retry", "{}"), ("label cancel 7", "POST /v1/labels/7/cancel", "{}"),
            (
                "deliver --order SO-77 A B --customer C-9 --item RES-10K=500 --item X=Y=2", "POST /v1/deliveries",
                #"{"customer":"C-9","items":[{"product":"RES-10K","quantity":500},{"product":"X=Y","quantity":2}],"#
                    + #""order":"SO-77","serials":["A","B"]}"#
            ),
            (
                "person add mia --name Mia --role member --team smt --badge 1007 --grant deliver --grant audit:read",
                "POST /v1/people",
                #"{"badge":"1007","grants":["deliver","audit:read"],"login":"mia","name":"Mia","role":"member","team":"smt"}"#
            ),
            ("person set mia --team finish --retired", "PATCH /v1/people/mia", #"{"retired":true,"team":"finish"}"#),
            (
                "person set mia --no-retired --role team_lead", "PATCH /v1/people/mia",
                #"{"retired":false,"role":"team_lead"}"#
            ),
            (
                "person grant mia deliver audit:read", "POST /v1/people/mia/grant",
                #"{"grants":["deliver","audit:read"]}"#
            ),
            ("person revoke mia deliver", "POST /v1/people/mia/revoke", #"{"grants":["deliver"]}"#),
            (
                "team add smt --name SMT --department e --lead lena", "POST /v1/teams",
                #"{"code":"smt","department":"e","lead":"lena","name":"SMT"}"#
            ),
            ("team set smt --lead mia", "PATCH /v1/teams/smt", #"{"lead":"mia"}"#),
            ("department add e --name E", "POST /v1/departments", #"{"code":"e","name":"E"}"#),
            ("department set e --retired", "PATCH /v1/departments/e", #"{"retired":true}"#),
            ("audit verify", "POST /v1/audit/verify", "{}"),
        ])
    func changes(command: String, line: String, body: String) throws {
        let request = try request(words(command))
        #expect("\(request.method) \(request.target)" == line)
        #expect(request.body == .json(try JSONValue(json: body)))
    }

    @Test func anEmptyTextClearsAValue() throws {
        #expect(try request(["person", "set", "mia", "--badge", ""]).body == .json(["badge": .null]))
        #expect(try request(["team", "set", "smt", "--lead", ""]).body == .json(["lead": .null]))
    }

    @Test func siteFilesAreSentAsTheyAre() throws {
        let plan = try request(["site", "plan", "plant.yaml"])
        #expect("\(plan.method) \(plan.target)" == "POST /v1/site/plan")
        #expect(plan.body == .yaml(file: "plant.yaml"))
    }

    @Test func aScanIsItsCode() throws {
        let scan = try #require(try Travelerctl.parseAsRoot(["scan", "--station", "QA-1", "A", "TRV:PASS"]) as? Scan)
        #expect(scan.codes == ["A", "TRV:PASS"])
        let request = Scan.request("QA-1", "A b")
        #expect("\(request.method) \(request.target)" == "POST /v1/stations/QA-1/scans")
        #expect(request.body == .json(["code": "A b"]))
    }

    @Test(
        "what can't be meant is wrong usage",
        arguments: [
            "product adjust P add 0 --note n", "product adjust P add x --note n", "product adjust P add 1",
            "product inward P 0", "product inward P x", "product adjust P multiply 2 --note n", "unit register P",
            "unit defect X rework --note n",
            "unit defect X scrap --to-stage qa --note n", "unit hold X", "deliver --order O",
            "deliver --order O --item P",
            "deliver --order O --item P=0", "person set mia", "team set smt", "person add mia --name M --role boss",
            "unit list --json --csv", "unit list --limit 0", "unit list --all --limit 5", "log audit --from yesterday",
            "log audit --from 2026-02-30", "work-order create 1 --product P --quantity many --team T", "unit lost X",
            "scan A", "control-sheet QA-1", "backup", "defect list --status lost", "defect list --sort rma",
            "defect create A --note n", "defect create --product P --type T --note n",
            "defect create A --type T=0 --note n",
            "defect route --rma R --note n", "defect route 12 --product P --rma R --note n",
            "defect inspect 12 --repairable 1 --non-repairable 0 --type T", "defect correct 12",
        ])
    func wrongUsage(command: String) {
        do {
            _ = try Travelerctl.parseAsRoot(words(command))
            Issue.record("'\(command)' was taken")
        } catch {
            #expect(Travelerctl.exitCode(for: error).rawValue == ExitStatus.usage.rawValue)
        }
    }

    @Test func aCaseNamedByASerialMeansThatUnit() throws {
        func lot(_ command: String) throws -> [String] {
            var repair = try #require(try Travelerctl.parseAsRoot(words(command)) as? Defect.Repair)
            repair.name(serial: "A")
            return repair.lot.serials
        }
        #expect(try lot("defect repair A --to stock --note n") == ["A"])
        #expect(try lot("defect repair A B --to stock --note n") == ["A", "B"])
        #expect(try lot("defect repair A B A --to stock --note n") == ["B", "A"])
        #expect(try lot("defect repair A --quantity 3 --to stock --note n") == [])
    }

    @Test func everyChangeHasAKeyOfItsOwn() {
        let keys = Set((0..<100).map { _ in Request.newKey() })
        #expect(keys.count == 100)
        #expect(keys.allSatisfy { $0.utf8.count == 32 })
    }

    @Test func anEmptyPersonIsRefusedWithItsReason() throws {
        let failure = #expect(throws: (any Error).self) {
            try Travelerctl.parseAsRoot(["unit", "assign", "X", "--to", ""])
        }
        #expect(Travelerctl.message(for: try #require(failure)).contains("The login is empty"))
    }

    @Test(
        "what a value must look like is said",
        arguments: [
            ("deliver --order O --item R=0", "a quantity from 1"), ("defect create A --type T=0 --note n", "from 1"),
            ("return create O --item R --reason other", "PRODUCT=QUANTITY"),
            ("defect repair 1 --to stock --note n --part R=-1", "PRODUCT=QUANTITY"),
            ("return checklist 1 1=perhaps", "yes, no or not_applicable"),
        ])
    func whatAValueMustLookLike(command: String, words: String) throws {
        let failure = #expect(throws: (any Error).self) { try Travelerctl.parseAsRoot(self.words(command)) }
        #expect(Travelerctl.message(for: try #require(failure)).contains(words))
    }

    // MARK: Help

    @Test func everyCommandShowsAnExampleThatParses() throws {
        var seen = 0
        for (path, command) in Self.commands(of: Travelerctl.self, []) {
            let lines = command.configuration.discussion.split(separator: "\n")
            for line in lines where line.hasPrefix("  ") { #expect(line.count <= 80, "wrapped in the help: \(line)") }
            // A backslash at the end goes on in the next line.
            let examples = lines.joined(separator: "\n").replacing("\\\n    ", with: "").split(separator: "\n")
                .filter { $0.hasPrefix("  travelerctl ") }
            #expect(!examples.isEmpty, "\(path) has no example")
            for example in examples {
                let arguments = Self.split(String(example.dropFirst("  travelerctl ".count)))
                #expect(throws: Never.self, "\(example)") { try Travelerctl.parseAsRoot(arguments) }
                seen += 1
            }
        }
        #expect(seen > 60)
    }

    private static func commands(
        of command: any ParsableCommand.Type, _ path: [String]
    ) -> [(String, any ParsableCommand.Type)] {
        let path = path + [command.configuration.commandName ?? ""]
        return [(path.joined(separator: " "), command)]
            + command.configuration.subcommands.flatMap { commands(of: $0, path) }
    }

    /// Splits a line as a shell would, with double quotes.
    private static func split(_ line: String) -> [String] {
        var words: [String] = [""]
        var isQuoted = false
        for character in line {
            switch character {
            case "\"": isQuoted.toggle()
            case " " where !isQuoted: words.append("")
            default: words[words.count - 1].append(character)
            }
        }
        return words
    }

    private func words(_ command: String) -> [String] { command.split(separator: " ").map(String.init) }

    private func request(_ arguments: [String]) throws -> Request {
        let command = try Travelerctl.parseAsRoot(arguments)
        return try #require(command as? any Requesting, "\(arguments) is no single request").request
    }

    @Test(
        "another daemon is named before the command, too",
        arguments: [
            ("--socket /a status", "/a", "status"), ("--socket=/a unit show X", "/a", "unit show X"),
            ("status --socket /a", nil, "status --socket /a"), ("--socket", nil, "--socket"), ("", nil, ""),
        ] as [(String, String?, String)])
    func socketBeforeTheCommand(line: String, socket: String?, rest: String) {
        var arguments = line.split(separator: " ").map(String.init)
        #expect(Travelerctl.takeSocket(from: &arguments) == socket)
        #expect(arguments == rest.split(separator: " ").map(String.init))
    }
}
