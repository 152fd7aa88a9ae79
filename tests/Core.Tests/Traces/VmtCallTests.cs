using System.Text;
using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Tests.Memory;
using VmSim.Core.Traces;

namespace VmSim.Core.Tests.Traces;

/// <summary>Calls of a trace beside those with a letter of their own, and what calls answered.</summary>
public class VmtCallTests
{
    private const string AllForms = """
        c mlock 7f0000000000 2000 1
        c munlock 7f0000000000 2000
        c mlockall 7
        c munlockall
        c msync 7f0000000000 2000 6
        c mincore 7f0000000000 2000
        c mseal 7f0000000000 2000
        c remap_file_pages 7f0000000000 2000 3000 10000
        c shmdt 7f0000000000 0
        c process_madvise 4 7f0000000000 1000 7f0000005000 2000 7f0000009000 1000
        c process_madvise 4 7f0000000000 1000 7f0000005000 2000 ENOMEM
        u 7f0000000000 2000 EPERM
        p 7f0000000000 2000 1 ENOMEM
        r 7f0000000000 0 1000 3 7f0000100000 EINVAL
        d 7f0000000000 2000 4 ENOMEM
        m 7f0000000000 40000000 3 78142022 - 0

        """;

    [Fact]
    public void Text_AnyCall_IsTheSameThroughBothForms()
    {
        string text = AllForms.ReplaceLineEndings("\n");
        Assert.Equal(text, Text(Copy(text, binary: false)));
        Assert.Equal(text, Text(Copy(text, binary: true)));
    }

    [Fact]
    public void Policies_AreTheSameThroughBothFormsAndKeptByName()
    {
        const string Policies = "c mbind 7f0000000000 2000 32770 3 6\nc set_mempolicy 3 ffffffffffffffff\nc mbind 7f0000000000 0 0 0 0\n"
            + "c mbind 1000 1000 4294967295 0 ffffffff EINVAL\n";
        Assert.Equal(Policies, Text(Copy(Policies, binary: false)));
        Assert.Equal(Policies, Text(Copy(Policies, binary: true)));
        LoadedTrace trace = TestTraces.LoadText($"t 0\n{Policies}");
        Assert.Equal(
            ["test.vmt: kept, not simulated: 3 mbind, 1 set_mempolicy; memory comes from any node."], trace.Warnings);
        Assert.All(trace.Image.Threads[0].SystemCalls, call => Assert.Equal(SystemCallKind.Other, call.Kind));
        Assert.Equal(4, trace.Image.Threads[0].SystemCalls.Count);
    }

    [Theory]
    [InlineData("c mbind 1000 1000 2 3")]
    [InlineData("c mbind 1000 1000 x 3 0")]
    [InlineData("c mbind 1000 1000 4294967296 3 0")]
    [InlineData("c mbind 1000 1000 2 3 100000000")]
    [InlineData("c mbind fffffffffffff000 2000 2 3 0")]
    [InlineData("c set_mempolicy 2")]
    [InlineData("c set_mempolicy 2 3 4")]
    public void Policies_OfAnotherForm_AreRefused(string line)
    {
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => TestTraces.LoadText($"t 0\n{line}\n"));
        Assert.Contains("mbind START LEN MODE NODEMASK FLAGS, set_mempolicy MODE NODEMASK", error.Message);
    }

    [Fact]
    public void Load_AnyCall_IsTheSystemCallItSays()
    {
        IReadOnlyList<SystemCall> calls = TestTraces.LoadText(AllForms).Image.Threads[0].SystemCalls;
        Assert.Equal((SystemCallKind.Lock, Locking.OnFault, 0x2000UL), (calls[0].Kind, calls[0].Locking, calls[0].Length));
        Assert.Equal(SystemCallKind.Unlock, calls[1].Kind);
        Assert.Equal((SystemCallKind.LockAll, (Locking)7), (calls[2].Kind, calls[2].Locking));
        Assert.Equal(SystemCallKind.UnlockAll, calls[3].Kind);
        Assert.Equal((SystemCallKind.Sync, SyncFlags.Synchronous | SyncFlags.Invalidate), (calls[4].Kind, calls[4].SyncFlags));
        Assert.Equal(SystemCallKind.QueryResident, calls[5].Kind);
        Assert.Equal(SystemCallKind.Seal, calls[6].Kind);
        Assert.Equal(
            (SystemCallKind.RemapFilePages, 0x3000UL, MappingFlags.NonBlocking), (calls[7].Kind, calls[7].Offset, calls[7].MappingFlags));
        Assert.Equal(SystemCallKind.Detach, calls[8].Kind);
        Assert.Equal((SystemCallKind.Advise, Advice.DontNeed, 2), (calls[9].Kind, calls[9].Advice, calls[9].MoreRanges.Count));
        Assert.Equal(AddrRange.Of(new VirtAddr(0x7f00_0000_5000), 0x2000), calls[9].MoreRanges[0]);
        Assert.Equal(
            [Errno.NoMemory, Errno.PermissionDenied, Errno.NoMemory, Errno.InvalidArgument, Errno.NoMemory, Errno.None],
            calls.Skip(10).Select(call => call.Recorded!.Value));
        Assert.Equal(RemapFlags.MayMove | RemapFlags.Fixed, calls[13].RemapFlags);
        Assert.Equal(
            (MappingFlags.Locked | MappingFlags.HugePages | MappingFlags.FixedNoReplace, 30),
            (calls[15].MappingFlags, calls[15].HugePageShift));
    }

    [Theory]
    [InlineData("r 7f0000000000 2000 2000 9 7f0000100000")]
    [InlineData("r 7f0000000000 2000 2000 8000000000000001 7f0000100000")]
    [InlineData("c mlockall 8")]
    [InlineData("c mlockall 4")]
    [InlineData("c mlockall 0")]
    [InlineData("c mlock 7f0000000000 2000 2")]
    [InlineData("c mlock 7f0000000000 2000 5")]
    [InlineData("c msync 7f0000000000 2000 8")]
    [InlineData("c msync 7f0000000000 2000 5")]
    public void Apply_CallWithUnknownFlags_IsInvalid(string line)
    {
        SystemCall call = TestTraces.LoadText($"m 7f0000000000 2000 3 22 - 0\n{line} EINVAL\n").Image.Threads[0].SystemCalls[1];
        TestSpace space = new();
        space.Map(0, 2);
        Assert.Equal((Errno.InvalidArgument, Errno.InvalidArgument), (space.Memory.Apply(call).Errno, call.Recorded));
    }

    [Theory]
    [InlineData("c mlock 7f0000000000 2000", "c NAME FIELDS")]
    [InlineData("c mlick 7f0000000000 2000 0", "c NAME FIELDS")]
    [InlineData("c munlockall 7f0000000000", "c NAME FIELDS")]
    [InlineData("c munlock 7f0000000000 1000 7f0000005000 1000", "c NAME FIELDS")]
    [InlineData("c process_madvise 4 7f0000000000 1000 7f0000005000", "c NAME FIELDS")]
    [InlineData("c process_madvise 4 7f0000000000 1000 7f0000005000 0", "c NAME FIELDS")]
    [InlineData("u 7f0000000000 2000 EWHAT", "u START LEN [ERRNO]")]
    [InlineData("d 7f0000000000 2000 4 ENOMEM ENOMEM", "d START LEN ADVICE [ERRNO]")]
    public void Load_BadCall_NamesWhatIsAllowed(string line, string allowed) =>
        Assert.Contains(allowed, Assert.Throws<TraceFormatException>(() => TestTraces.LoadText(line)).Message, StringComparison.Ordinal);

    [Fact]
    public void Errno_AnyName_IsParsedBack() => Gen.Enum<Errno>().Sample(errno =>
        errno == Errno.None ? !Errnos.TryParse(errno.Name(), out _) : Errnos.TryParse(errno.Name(), out Errno parsed) && parsed == errno);

    private static MemoryStream Copy(string text, bool binary)
    {
        MemoryStream copy = new();
        if (binary)
        {
            using VmtBinaryWriter writer = new(copy);
            TraceTools.Copy(Open(text), writer);
        }
        else
        {
            using VmtTextWriter writer = new(copy);
            TraceTools.Copy(Open(text), writer);
        }

        return new MemoryStream(copy.ToArray());
    }

    private static IVmtSource Open(string text) => TraceSources.Open(new MemoryStream(Encoding.UTF8.GetBytes(text)), "test.vmt");

    private static string Text(Stream trace)
    {
        using MemoryStream text = new();
        using (VmtTextWriter writer = new(text))
        {
            TraceTools.Copy(TraceSources.Open(trace, "copy.vmt"), writer);
        }

        return Encoding.UTF8.GetString(text.ToArray());
    }
}
