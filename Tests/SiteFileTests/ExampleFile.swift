/// A small electronics line, as an administrator writes it.
let exampleFile = #"""
    # A small electronics line: the shape of a site file.
    departments:
      - { code: electronics, name: Electronics, lead: dora }
      - { code: service, name: Service, lead: sam }
    teams:
      - { code: smt, name: SMT line 1, department: electronics, lead: lena }
      - { code: finish, name: Finishing, department: electronics, lead: luis }
      - { code: desk, name: Returns desk, department: service, lead: rita }
    people:
      - { login: ada, name: Ada, role: admin }
      - { login: dora, name: Dora, role: department_lead, department: electronics }
      - { login: sam, name: Sam, role: department_lead, department: service }
      - { login: lena, name: Lena, role: team_lead, team: smt, grants: ["defects:manage"] }
      - { login: luis, name: Luis, role: team_lead, team: finish, grants: [deliver] }
      - { login: rita, name: Rita, role: team_lead, team: desk, grants: ["returns:manage", "returns:inspect"] }
      - { login: mia, name: Mia, role: member, team: smt, badge: "1007" }
      - { login: tom, name: Tom, role: member, team: finish, badge: "1008" }
    suppliers:
      - { code: acme, name: Acme Boards }
    defect_types:
      - { code: SOLDER, name: Solder bridge, category: assembly }
      - { code: SCRATCH, name: Scratched surface, category: handling }
      - { code: DEAD, name: Does not power up, category: electrical }
    routings:
      - code: board
        stages:
          - { name: assembly }
          - { name: testing, verdict: required, max_iterations: 3 }
          - { name: coating, optional: true }
          - { name: qa, verdict: required }
    labels:
      - name: unit-small
        zpl: |
          ^XA^CI28
          ^FO40,30^BXN,6,200^FD{{serial}}^FS
          ^FO180,40^A0N,40^FD{{serial}}^FS
          ^FO180,90^A0N,28^FD{{product.name}}^FS
          ^XZ
    products:
      - code: PCB-100
        name: Controller board
        type: pcb
        routing: board
        label: unit-small
        serial: { pattern: "{product}-{yy}{ww}-{seq:4}", per: week }   # also {order} {yyyy} {mm} {dd} {check:luhn} {check:mod37_36}; per: product, order, day, week
        low_stock: 10
        supplier: acme
        cost: 12.50
      - code: RES-10K
        name: Resistor 10k
        type: part
        spare_part: true
        min_stock: 100
    stations:
      - { name: LABEL-1, mode: label, team: smt, printers: ["file:labels/"] }
      - { name: ASSY-1, mode: pass, stages: [assembly], team: smt, sign_on: required }
      - { name: TEST-1, mode: verdict, stages: [testing], team: smt }
      - { name: COAT-1, mode: pass, stages: [coating], team: finish }
      - { name: QA-1, mode: verdict, stages: [qa], team: finish, printers: ["tcp://127.0.0.1:9100"] }
      - { name: SHIP-1, mode: ship, team: finish }
      - { name: BACK-1, mode: returns, team: desk }
      - { name: ASK-1, mode: lookup, team: smt }
      # a bound scanner: scanners: [{ port: "pci-0000:00:14.0-usb-0:2:1.0" }] or [{ serial: "SN-77001" }] or [{ node: "/dev/input/event3", layout: de }]
    settings:
      timezone: Europe/Berlin
      double_read: 1500ms
      undo_within: 10m
      sign_off_after: 30m
      rework_stage: assembly            # where refurbished returns go
      return_locations: { new: RETURN-NEW, good: RETURN-USED, damaged: RETURN-DAMAGED }
    """#
