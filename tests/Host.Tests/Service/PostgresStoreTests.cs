using VmSim.Host.Service;
using VmSim.Host.Terminal;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

[Collection(PostgresTests.Name)]
public sealed class PostgresStoreTests : JobStoreTests
{
    /// <summary>The tests' own time of silence: longer than any pause of a test that does not want to be silent.</summary>
    private static readonly TimeSpan Long = HangGuard.Limit;

    /// <summary>Soon over, and long enough for a store to be opened at one of several tries.</summary>
    private static readonly TimeSpan Short = new(500 * TimeSpan.TicksPerMillisecond);

    private readonly PostgresServer _server;
    private readonly string _settings;

    public PostgresStoreTests(PostgresServer server) =>
        (_server, _settings) = (server, PostgresServer.Missing is null ? server.Create() : "");

    /// <summary>One store at a time has a database; the next has it as soon as the first is closed.</summary>
    [Fact]
    public void Open_ADatabaseThatAnotherHas_IsRefused()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        JobStore first = Open()!;
        Assert.Contains("another vmsim serve has", Assert.Throws<StoreAwayException>(() => Open()).Message, StringComparison.Ordinal);
        Add(first, "ada", "a");
        first.Dispose();
        using JobStore second = Open()!;
        Assert.Equal(
            new WaitingLine(second.Build, "ada", JobLimits.PriorityUsual, false, 1), Assert.Single(second.Recover().Waiting));
    }

    /// <summary>A store that was frozen, so that its session has ended, and whose place another one has: it changes nothing more.</summary>
    [Fact]
    public void Store_ThatIsSilentForTooLong_MayNeverWriteAgain()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        using (JobStore first = Open(Long))
        {
            Add(first, "ada", "a");
            Begin(first, 1, "one", "00000000000000a1");
        }

        using JobStore frozen = OpenWhenFree(Short);
        using JobStore next = OpenWhenFree(Long);
        Assert.Equal("00000000000000a1", Assert.Single(next.Recover().Leased).Lease);
        Begin(next, 1, "two", "00000000000000b2");
        Assert.Throws<StoreAwayException>(() => Wait(frozen.EndAsync(1, JobState.Done, "00", "completed", "")));
        Assert.Throws<IOException>(() => Wait(frozen.EndAsync(1, JobState.Done, "00", "completed", "")));
        Assert.True(frozen.IsTaken);
        string said = Assert.Throws<IOException>(() => Add(frozen, "ada", "b")).Message;
        Assert.Contains("has taken this database over", said, StringComparison.Ordinal);
        Job job = next.Find(1)!;
        Assert.Equal((JobState.Running, 2, "two", "00000000000000b2"), (job.State, job.Attempts, job.Node, job.Lease));
        Assert.Single(next.List(null, long.MaxValue, 10));

        // Nor when the next one has gone.
        next.Dispose();
        Assert.Throws<IOException>(frozen.Beat);
    }

    /// <summary>A session that was lost, with nobody in its place meanwhile, is opened again.</summary>
    [Fact]
    public void Store_WhoseSessionIsLost_GoesOn()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        using JobStore store = Open()!;
        Add(store, "ada", "a");
        PostgresServer.EndSessions(_settings);
        string said = Assert.Throws<StoreAwayException>(store.Beat).Message;
        Assert.Contains("PostgreSQL database", said, StringComparison.Ordinal);
        AssertGoesOn(store);
        Assert.Equal([1L], Wait(store.WaitingAsync("ada", JobLimits.PriorityUsual, 0, 10)));
    }

    /// <summary>A server that dies within a transaction: none of it is there, and all of it when it is done again.</summary>
    [Fact]
    public async Task Add_WhenTheServerDiesWithin_IsDoneWholeOrNotAtAll()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        using JobStore store = Open()!;
        Add(store, "ada", "a");
        using Npgsql.NpgsqlConnection other = new($"{_settings};Pooling=false");
        await other.OpenAsync();
        await using Npgsql.NpgsqlCommand hold = new("BEGIN; LOCK TABLE jobs", other);
        await hold.ExecuteNonQueryAsync();
        Task<IReadOnlyList<Job>> added = store.AddAsync(Request("b", "c"), "ada", ["b", "c"], _ => false);

        // The scenario of the first run is in by then, and its job waits for the table.
        HangGuard.Until(() => (long)PostgresServer.Ask(_settings, "SELECT count(*) FROM pg_locks WHERE NOT granted")! == 1);
        _server.Kill();
        await Assert.ThrowsAsync<StoreAwayException>(() => added.OrHangAsync());
        Assert.Throws<StoreAwayException>(store.Beat);
        _server.Start();
        AssertGoesOn(store);
        Assert.Equal([1L], Wait(store.WaitingAsync("ada", JobLimits.PriorityUsual, 0, 10)));
        Assert.Equal(1L, PostgresServer.Ask(_settings, "SELECT count(*) FROM scenarios"));
        Assert.Equal(2, Add(store, "ada", "b", "c").Count);
        Assert.Equal(3L, PostgresServer.Ask(_settings, "SELECT count(*) FROM scenarios"));
    }

    [Fact]
    public void Open_ADatabaseOfAnotherVersionOrOfOthers_IsRefused()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        Open()!.Dispose();
        PostgresServer.Ask(_settings, "UPDATE service SET version = 99");
        Assert.Contains("version 99 found", Assert.Throws<IOException>(() => Open()).Message, StringComparison.Ordinal);
        PostgresServer.Ask(_settings, "UPDATE service SET version = 0");
        Assert.Contains("already exists", Assert.Throws<StoreAwayException>(() => Open()).Message, StringComparison.Ordinal);
    }

    /// <summary>What is said of a server that does not let one in has no password in it.</summary>
    [Fact]
    public void Open_WithAWrongPassword_IsRefusedWithoutSayingIt()
    {
        if (PostgresServer.AssertRefusedWhereAbsent())
        {
            return;
        }

        string wrong = _server.Private("wrong", "*:*:*:vmsim:in plain sight\n");
        string settings = _settings.Replace(_server.PassFile, wrong, StringComparison.Ordinal);
        Exception refused = Assert.Throws<StoreAwayException>(() => Open(settings, Long));
        Assert.Contains("password authentication failed", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("in plain sight", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a password found", "Host=db;Database=vmsim;Password=in plain sight")]
    [InlineData("a password found", "Host=db;Database=vmsim;pwd=in plain sight")]
    [InlineData("a connection string", "postgres://vmsim:in plain sight@db/vmsim")]
    [InlineData("a connection string", "Host=db;Databaze=in plain sight")]
    [InlineData("a connection string", "Host=db;Port=in plain sight")]
    [InlineData("Host= and Database=", "Host=db")]
    [InlineData("Host= and Database=", "")]
    [InlineData("several hosts", "Host=one,two;Database=vmsim")]
    [InlineData("VerifyFull", "Host=db;Database=vmsim;SSL Mode=Require")]
    [InlineData("VerifyFull", "Host=192.0.2.1;Database=vmsim;SSL Mode=Disable")]
    [InlineData("no file /nowhere", "Host=db;Database=vmsim;Passfile=/nowhere")]
    public void Settings_ThatCannotBeUsed_AreRefusedWithoutRepeatingSecrets(string words, string settings)
    {
        string said = Assert.Throws<UsageException>(() => PostgresSettings.Parse(settings)).Message;
        Assert.Contains(words, said, StringComparison.Ordinal);
        Assert.DoesNotContain("in plain sight", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_BeyondTheMachine_LookAtTheCertificate()
    {
        Assert.Equal(Npgsql.SslMode.VerifyFull, PostgresSettings.Parse("Host=db;Database=vmsim").SslMode);
        Assert.Equal(Npgsql.SslMode.VerifyCA, PostgresSettings.Parse("Host=db;Database=vmsim;SSL Mode=VerifyCA").SslMode);
        foreach (string here in (string[])["/run/postgresql", "localhost", "127.0.0.1", "::1"])
        {
            Assert.Equal(Npgsql.SslMode.Prefer, PostgresSettings.Parse($"Host={here};Database=vmsim").SslMode);
        }
    }

    [Fact]
    public void Settings_WithAFileThatOthersMayRead_AreRefused()
    {
        string file = _server.Private("open", "*:*:*:*:in plain sight\n");
        string settings = $"Host=db;Database=vmsim;Passfile={file}";
        Assert.Equal(file, PostgresSettings.Parse(settings).Passfile);
        PostgresServer.Run("chmod", "640", file);
        string said = Assert.Throws<UsageException>(() => PostgresSettings.Parse(settings)).Message;
        Assert.Contains("chmod 600", said, StringComparison.Ordinal);
    }

    private protected override JobStore? Open(string? build = null) =>
        PostgresServer.AssertRefusedWhereAbsent() ? null : Open(_settings, Long, build);

    private JobStore Open(TimeSpan silence) => Open(_settings, silence);

    private static JobStore Open(string settings, TimeSpan silence, string? build = null) =>
        new(new PostgresDatabase(PostgresSettings.Parse(settings), silence), Clock, build);

    private JobStore OpenWhenFree(TimeSpan silence)
    {
        JobStore? store = null;
        HangGuard.Until(() => Succeeds(() => store = Open(silence)));
        return store!;
    }

    private static void AssertGoesOn(JobStore store)
    {
        HangGuard.Until(() => Succeeds(store.Beat));
        Assert.False(store.IsTaken);
    }

    private static bool Succeeds(Action work)
    {
        try
        {
            work();
            return true;
        }
        catch (StoreAwayException)
        {
            return false;
        }
    }
}
