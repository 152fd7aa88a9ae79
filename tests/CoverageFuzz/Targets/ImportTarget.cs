using VmSim.Core.Settings;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;
using VmSim.Host.Reporting;

namespace VmSim.CoverageFuzz.Targets;

/// <summary>An importer with its settings and the other files of a log. What it writes is a trace that can be read to its end.</summary>
internal sealed class ImportTarget(ITraceImporter importer)
    : FuzzTarget($"import-{importer.Name}", typeof(TraceFormatException), typeof(ScenarioException))
{
    private const string Log = "log";

    public override IEnumerable<byte[]> Seeds => base.Seeds.Concat(Own());

    public override IEnumerable<string> Words => importer.Name switch
    {
        "strace" =>
        [
            "mmap(", "munmap(", "mremap(", "brk(", "mprotect(", "madvise(", "clone(", "clone3(", "vfork()", "execve(", "exit_group(0)",
            "shmat(", "shmget(", "shmdt(", "<unfinished ...>", "<... mmap resumed>", "+++ exited with 0 +++", "PROT_READ|PROT_WRITE",
            "MAP_PRIVATE|MAP_ANONYMOUS", "MAP_FIXED", " = 0x7f0000001000", " = -1 ENOMEM (Cannot allocate memory)", "[pid 13] ",
            "CLONE_VM|CLONE_THREAD", "ERESTARTNOINTR", "MREMAP_MAYMOVE", "strace: Process 13 attached",
        ],
        "perf" =>
        [
            "page-faults:", "exceptions:page_fault_user:", "syscalls:sys_enter_mmap:", "syscalls:sys_exit_mmap:", "tlb:tlb_flush:",
            "sched:sched_switch:", "PERF_RECORD_FORK", "PERF_RECORD_MMAP2", "PERF_RECORD_COMM", "PERF_RECORD_LOST", "error_code=0x6",
            " = 0x7f0000001000", "addr: 0x",
        ],
        "lackey" => ["I  04001000,3", " L 1ffeffe7e0,8", " S ", " M ", "SYSCALL[12,1]( 9) sys_mmap (", "--> [async]", "SCHED[1]: "],
        _ => [],
    };

    protected override void Read(byte[] input)
    {
        FuzzInput parts = FuzzInput.Of(input);
        ITraceImporter configured = new OwnSettings(parts.Settings).ApplyTo(importer, "%%set ", ghz: 1);
        using MemoryStream output = new();
        using Children children = new();
        ImportSummary summary;
        using (VmtTextWriter writer = new(output))
        {
            summary = configured.Import(new MemoryStream(parts.Main, writable: false), writer, new ImportOptions
            {
                File = Log,
                Parts = [.. parts.Files.Select(part => new ImportPart(part.Key, () => new MemoryStream(part.Value, writable: false)))],
                Open = name => parts.OpenIfThere(name) ?? throw TraceFormatException.Missing(name, "there is no such file"),
                OpenIfThere = name => name == Log ? new MemoryStream(parts.Main, writable: false) : parts.OpenIfThere(name),
                ListBeside = stem => [.. parts.Files.Keys.Where(name => name.StartsWith(stem, StringComparison.Ordinal)).Order()],
                Children = children,
            });
        }

        ImportSummaryView.Show(summary, "out.vmt", TextWriter.Null);
        RequireTrace(output.ToArray(), isChild: false);
        foreach (byte[] child in children.Traces())
        {
            RequireTrace(child, isChild: true);
        }

        try
        {
            VmtReader.Load(new MemoryStream(output.ToArray()), "out.vmt");
        }
        catch (TraceFormatException)
        {
            // A run takes fewer threads and processes than a log may have.
        }
    }

    private static void RequireTrace(byte[] trace, bool isChild)
    {
        if (trace.Length > 0 && TraceTools.Verify(TraceSources.Open(new MemoryStream(trace), "out.vmt"), isChild).Damage is { } damage)
        {
            throw new Finding($"what the importer has written cannot be read: {damage}");
        }
    }

    private IEnumerable<byte[]> Own() => importer.Name switch
    {
        "lackey" =>
        [
            SeedFiles.Text("%%set layout=layout\nI  04001000,3\n L 1ffeffe7e0,8\n%%file layout\n"
                + "--5674:1: aspacem <<< SHOW_SEGMENTS: Memory layout at client startup (3 segments)\n--5674:1: aspacem (1,49,7) /bin/x\n"
                + "--5674:1: aspacem   0: RSVN 0000000000-0000107fff 1056768 ----- SmFixed\n"
                + "--5674:1: aspacem   1: file 0000108000-0000108fff    4096 r---- d=0xfe00 i=11658471 o=0       (1,49)\n"
                + "--5674:1: aspacem >>>\n"),
            SeedFiles.Text("%%set follows-exec=on\nI  04001000,3\n S 1ffeffe7e8,8\n M 0421c7cc,4\n"),
        ],
        "strace" =>
        [
            SeedFiles.Text("%%set drop=on\n12 brk(NULL) = 0x55d000\nnonsense\n"),
            SeedFiles.Text(
                "execve(\"/bin/x\", [\"x\"], 0x7ffd /* 3 vars */) = 0\n"
                + "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 13\nexit_group(0) = ?\n"
                + "%%file log.13\nmunmap(0x7f0000001000, 4096) = 0\nexit_group(0) = ?\n"),
        ],
        "champsim" => [Records(64, 4), Records(96, 4)],
        "drmemtrace" =>
        [
            [.. Enumerable.Range(0, 30).SelectMany(i => new byte[] { (byte)i, 0, 4, 0, 0, 16, (byte)i, 0, 0, 0, 0, 0 })],
        ],
        _ => [],
    };

    private static byte[] Records(int bytes, int count) =>
        [.. Enumerable.Range(0, count).SelectMany(i => BitConverter.GetBytes(0x400000L + i).Concat(new byte[bytes - 8]))];

    /// <summary>Takes the traces of forked processes into memory; of very many, the first.</summary>
    private sealed class Children : IImportChildren, IDisposable
    {
        private const int Most = 64;
        private readonly List<(MemoryStream Bytes, VmtTextWriter Writer)> _traces = [];

        public IVmtSink? Open(ulong parent, ulong process)
        {
            if (_traces.Count == Most)
            {
                return null;
            }

            MemoryStream bytes = new();
            VmtTextWriter writer = new(bytes);
            _traces.Add((bytes, writer));
            return writer;
        }

        public void Close(ulong process, ImportSummary summary)
        {
        }

        public IEnumerable<byte[]> Traces() => _traces.Select(trace =>
        {
            trace.Writer.Flush();
            return trace.Bytes.ToArray();
        });

        public void Dispose() => _traces.ForEach(trace => trace.Writer.Dispose());
    }
}
