using VmSim.Actors.Cluster;
using VmSim.Host.Service;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>
/// A thousand jobs and many nodes that only pretend to make them: each job is done once, turns are kept, and what was answered is not lost
/// with the process.
/// </summary>
public sealed class ManyJobsTests : IDisposable
{
    private const int Jobs = 1_000;
    private const int NodeCount = 25;
    private static readonly string[] Owners = ["ada", "ben", "cyd"];

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-many-").FullName;
    private readonly MovableClock _clock = new();

    [Fact]
    public async Task Jobs_OfManyNodes_AreEachDoneOnceInTheirTurn()
    {
        Scheduled service = new(_folder, _clock);
        await SubmitAsync(service);
        Node[] nodes = [.. Enumerable.Range(0, NodeCount).Select(number => new Node(service, number))];
        List<NodeOrder> given = [];
        HangGuard.Until(() => service.Scheduler.HasRecovered);
        while (given.Count < Jobs)
        {
            foreach (Node node in nodes)
            {
                given.AddRange(await node.BeatAsync(room: 4));
            }

            await Task.WhenAll(nodes.Select(node => node.EndAllAsync()));
        }

        Assert.Equal(Jobs, given.Select(order => order.Job).Distinct().Count());
        AssertTurns(given);
        Assert.All(service.Store.List(null, long.MaxValue, Jobs), job => Assert.Equal((JobState.Done, 1), (job.State, job.Attempts)));
        await service.StopAsync();
    }

    /// <summary>
    /// All that ask at the same time share transactions; a third of the answers never arrive. What the next service finds is what the disk
    /// had at any moment: it gives what nobody claims once more, and nothing else.
    /// </summary>
    [Fact]
    public async Task Service_KilledBeforeItsAnswersArrive_LosesNothing()
    {
        Scheduled service = new(_folder, _clock);
        await SubmitAsync(service);
        Node[] nodes = [.. Enumerable.Range(0, NodeCount).Select(number => new Node(service, number))];
        HashSet<long> over = [];
        for (int life = 0; over.Count < Jobs; life++)
        {
            HangGuard.Until(() => service.Scheduler.HasRecovered);
            await Task.WhenAll(nodes.Select(node => node.BeatAsync(room: 8)));
            for (int i = life % 3; i < nodes.Length; i += 3)
            {
                nodes[i].Forget();
            }

            over.UnionWith((await Task.WhenAll(nodes.Select(node => node.EndAllAsync(keep: 2)))).SelectMany(ended => ended));
            await Task.WhenAll(nodes.Select(node => node.BeatAsync(room: 3)));

            // What the disk has now, while the process goes on: all that was answered is in it.
            string image = ImageOf(life);
            await service.StopAsync();
            service = new Scheduled(image, _clock);
            Assert.Equal(over.Count, service.Store.Counts().GetValueOrDefault(JobState.Done));
            HangGuard.Until(() => service.Scheduler.HasRecovered);
            foreach (Node node in nodes)
            {
                node.Join(service);
            }

            await Task.WhenAll(nodes.Select(node => node.BeatAsync(room: 0)));
            _clock.Advance(ServiceNode.Silence);
            await Task.WhenAll(nodes.Select(node => node.BeatAsync(room: 0)));
            over.UnionWith((await Task.WhenAll(nodes.Select(node => node.EndAllAsync()))).SelectMany(ended => ended));
            Assert.Equal(over.Count, service.Store.Counts()[JobState.Done]);
        }

        Assert.All(service.Store.List(null, long.MaxValue, Jobs), job => Assert.Equal(JobState.Done, job.State));
        await service.StopAsync();
    }

    /// <summary>What is wanted no more is given to nobody, wherever it waits.</summary>
    [Fact]
    public async Task Jobs_CancelledWhileTheyAreGiven_AreGivenNoMore()
    {
        Scheduled service = new(_folder, _clock);
        await SubmitAsync(service);
        Node[] nodes = [.. Enumerable.Range(0, NodeCount).Select(number => new Node(service, number))];
        HangGuard.Until(() => service.Scheduler.HasRecovered);
        Job[] unwanted = [.. service.Store.List(null, long.MaxValue, Jobs).Where(job => job.Id % 3 == 0)];
        Task<bool[]> cancelled = Task.WhenAll(unwanted.Select(job => service.Scheduler.CancelAsync(job, "eve")));
        await Task.WhenAll(nodes.Select(node => node.BeatAsync(room: 8)));
        Assert.All(await cancelled, Assert.True);
        for (int done = 0; done < Jobs - unwanted.Length;)
        {
            // What a node was given first may have been cancelled since.
            await Task.WhenAll(nodes.Select(node => node.BeatAsync(room: 8)));
            done += (await Task.WhenAll(nodes.Select(node => node.EndAllAsync()))).Sum(ended => ended.Count);
        }

        Assert.All(
            service.Store.List(null, long.MaxValue, Jobs),
            job => Assert.Equal(job.Id % 3 == 0 ? JobState.Cancelled : JobState.Done, job.State));
        await service.StopAsync();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A thousand jobs of three people, a tenth of them urgent, some of which ask for the same.</summary>
    private static async Task SubmitAsync(Scheduled service)
    {
        for (int i = 0; i < Jobs; i += 100)
        {
            IEnumerable<RunRequest> runs = Enumerable.Range(i, 100).Select(number => new RunRequest("", $"text {number}", []));
            await service.Scheduler.SubmitAsync(
                new JobRequest("many", [.. runs], i == 300 ? 9 : JobLimits.PriorityUsual), Owners[i / 100 % Owners.Length]);
        }
    }

    /// <summary>Urgent jobs go first, all others in turn, each owner's in the order of submission.</summary>
    private static void AssertTurns(List<NodeOrder> given)
    {
        Assert.Equal(Enumerable.Range(301, 100), given.Take(100).Select(order => (int)order.Job));
        long[] rest = [.. given.Skip(100).Select(order => order.Job)];
        int[] owners = [.. rest.Select(job => (int)((job - 1) / 100 % Owners.Length))];
        foreach (int owner in (int[])[0, 1, 2])
        {
            Assert.Equal(rest.Where((_, i) => owners[i] == owner).Order(), rest.Where((_, i) => owners[i] == owner));
        }

        // Each has 300 others: as long as all have some, they take turns.
        int[] counts = new int[Owners.Length];
        foreach (int owner in owners.Take(Jobs / 2))
        {
            counts[owner]++;
            Assert.InRange(counts.Max() - counts.Min(), 0, 4 * NodeCount);
        }
    }

    /// <summary>A copy of what the disk has of the store.</summary>
    private string ImageOf(int life)
    {
        string image = Path.Combine(_folder, $"life{life}");
        Directory.CreateDirectory(image);
        string from = life == 0 ? _folder : Path.Combine(_folder, $"life{life - 1}");
        foreach (string name in (string[])["jobs.db", "jobs.db-wal"])
        {
            using FileStream file = new(Path.Combine(from, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using FileStream copy = File.Create(Path.Combine(image, name));
            file.CopyTo(copy);
        }

        return image;
    }

    /// <summary>A node that says that what it was given is done.</summary>
    private sealed class Node(Scheduled service, int number)
    {
        private readonly string _name = $"n{number}";
        private readonly string _instance = $"{number:x16}";
        private readonly List<NodeOrder> _orders = [];
        private Scheduled _service = service;
        private long _beats;

        public void Join(Scheduled service) => _service = service;

        public async Task<IReadOnlyList<NodeOrder>> BeatAsync(int room)
        {
            NodeBeat beat = new(
                _instance, ++_beats, BuildIdentity.Here, NodeRules.JobsMax, room, NodeState.Ready,
                [.. _orders.Select(order => new NodeClaim(order.Job, order.Lease, null, []))]);
            NodeAnswer answer = (await _service.Scheduler.BeatAsync(_name, beat).OrHangAsync())!;
            _orders.RemoveAll(order => answer.Void.Contains(order.Lease));
            _orders.AddRange(answer.Orders);
            return answer.Orders;
        }

        /// <summary>An answer has not arrived.</summary>
        public void Forget() => _orders.Clear();

        public async Task<IReadOnlyList<long>> EndAllAsync(int keep = 0)
        {
            NodeOrder[] ended = [.. _orders.Skip(keep)];
            bool[] counted = await Task.WhenAll(ended.Select(order => _service.Scheduler.EndAsync(
                _name, order.Job, order.Lease,
                new NodeEnding(new JobAnswer($"{order.Job:x16}", false, "completed", 1, 0, ""), "", IsLost: false)).OrHangAsync()));
            _orders.RemoveRange(Math.Min(keep, _orders.Count), ended.Length);
            return [.. ended.Where((_, i) => counted[i]).Select(order => order.Job)];
        }
    }
}
