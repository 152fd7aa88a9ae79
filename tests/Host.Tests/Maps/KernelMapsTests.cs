using VmSim.Core.Programs;
using VmSim.Core.Traces;
using VmSim.Host.Maps;

namespace VmSim.Host.Tests.Maps;

public sealed class KernelMapsTests
{
    [Fact]
    public void Read_CopyOfSmaps_HasTheAreasOfOneProcess()
    {
        KernelMaps maps = Read(
            """
            55d0a0c00000-55d0a0c02000 r-xp 00001000 fe:01 42                         /opt/a b/app (deleted)
            Size:                  8 kB
            Rss:                   8 kB
            Anonymous:             4 kB
            AnonHugePages:      2048 kB
            VmFlags: rd ex mr mw me
            7ffc00000000-7ffc00021000 rw-s 00000000 00:00 0
            """);
        KernelSnapshot snapshot = Assert.Single(maps.Snapshots);
        Assert.Equal((0UL, SnapshotEvent.Exit, 2), (snapshot.Process, snapshot.Event, snapshot.Areas.Count));
        KernelArea first = snapshot.Areas[0];
        Assert.Equal((0x55d0a0c00000UL, 0x55d0a0c02000UL, 0x1000UL), (first.Start, first.End, first.Offset));
        Assert.Equal((Protection.Read | Protection.Execute, false, "/opt/a b/app (deleted)"), (first.Rights, first.IsShared, first.Name));
        Assert.Equal((8192UL, 4096UL, 2UL << 20), (first.ResidentBytes, first.AnonymousBytes, first.HugeBytes));
        Assert.Equal((true, ""), (snapshot.Areas[1].IsShared, snapshot.Areas[1].Name));
    }

    [Fact]
    public void Read_CapturedFile_HasEventsWithTheirProcesses()
    {
        KernelMaps maps = Read(
            """
            # vmaps 1 pagesize 4096
            @ 7 5 start /bin/my app
            MinorFaults: 31
            .
            @ 7 5 call:munmap:7f00:1000:0:0:0:0 /bin/my app
            .
            @ 7 5 exit /bin/my app
            .
            """);
        Assert.Equal([SnapshotEvent.Start, SnapshotEvent.Call, SnapshotEvent.Exit], maps.Of(7).Select(snapshot => snapshot.Event));
        Assert.Equal((5UL, 31L, "/bin/my app"), (maps.Snapshots[0].Parent, maps.Snapshots[0].MinorFaults, maps.Snapshots[0].Program));
        Assert.Equal("munmap", maps.Snapshots[1].CallName);
        Assert.Equal([0x7f00UL, 0x1000UL, 0, 0, 0, 0], maps.Snapshots[1].Arguments);
    }

    [Theory]
    [InlineData("/tmp/a\\012b", "/tmp/a\\nb")]
    [InlineData("/tmp/a\rb", "/tmp/a\\rb")]
    [InlineData("/tmp/a\r", "/tmp/a\\r")]
    [InlineData("/tmp/\u001b[31m", "/tmp/\\33[31m")]
    [InlineData("/tmp/\u00010", "/tmp/\\0010")]
    [InlineData("/tmp/\u00c3\u00a4", "/tmp/\u00e4")]
    [InlineData("/tmp/\u00ff\"<", "/tmp/\\377\\\"\\74")]
    [InlineData("/tmp/\"<", "/tmp/\"<")]
    [InlineData("/tmp/ a  b", "/tmp/ a  b")]
    public void Read_AnyName_IsAsTracesHaveIt(string kernel, string name) =>
        Assert.Equal(name, Read($"# vmaps 1\n1000-2000 r--p 00000000 fe:01 42          {kernel}\n").Snapshots[0].Areas[0].Name);

    [Fact]
    public void Read_CopyWithReturns_IsTheSame()
    {
        const string Copy = "# vmaps 1\r\n@ 7 5 exit /bin/a\r\nThreads: 3\r\n1000-2000 r--p 00000000 fe:01 42 /a\r\n";
        KernelSnapshot snapshot = Read(Copy).Snapshots[0];
        Assert.Equal(("/bin/a", 3L, "/a"), (snapshot.Program, snapshot.Threads, snapshot.Areas[0].Name));
    }

    [Fact]
    public void Of_NumberUsedAgain_HasTheSnapshotsOfEachUse()
    {
        KernelMaps maps = Read(
            """
            # vmaps 1 pagesize 4096
            @ 7 5 start /bin/a
            @ 7 5 exit /bin/a
            @ 7 5 exec /bin/b
            @ 7 5 exit /bin/c
            """);
        Assert.Equal([SnapshotEvent.Start, SnapshotEvent.Exit], maps.Of(7).Select(snapshot => snapshot.Event));
        Assert.Equal([SnapshotEvent.Execute, SnapshotEvent.Exit], maps.Of(4_194_311).Select(snapshot => snapshot.Event));
        Assert.Empty(maps.Of(8_388_615));
    }

    [Theory]
    [InlineData("@ 7 exit")]
    [InlineData("@ 7 5 sometime /bin/app")]
    [InlineData("55d0-zz r-xp 0 0:0 0")]
    [InlineData("55d0-55d1 r-xp")]
    [InlineData("Rss: 4 kB")]
    [InlineData("I 5 1")]
    public void Read_OtherText_IsRefusedWithItsLine(string line)
    {
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => Read(line));
        Assert.Equal(("x.maps", 1L), (error.File, error.Line));
    }

    [Fact]
    public void Read_Nothing_IsRefused() => Assert.Contains("no area", Assert.Throws<TraceFormatException>(() => Read("")).Message);

    private static KernelMaps Read(string text) => KernelMaps.Read(new StringReader(text), "x.maps");
}
