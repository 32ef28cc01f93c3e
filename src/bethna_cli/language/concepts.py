"""Words that mean alike in this trade, by what they are about. The classifier sees the word and its concepts: what it
learned of "dump my call" holds for "offload my call". English, and the Indonesian that traders mix into it.
"""

_WORDS = {
    "buy": "buy buys purchase purchasing acquire order beli belikan belikanlah snag scoop cop bid invest",
    "get": "get grab take enter open opening initiate ape yolo start place execute pick ambil ambilkan buka"
" pasang put",
    "want": "want wants wish wanting need would like love mau ingin pengen pengin kepengen",
    "sell": "sell selling sold dump offload unload liquidate liquidating close closing closed exit exiting"
" flatten ditch"
    " unwind bail cash jual jualkan tutup tutupkan keluar lepas lepaskan get_rid_of redeem square",
    "out": "out keluar",
    "show": "show display list print view see look lihat tampilkan tunjukkan tunjukin cek check pull bring browse"
    " find fetch open inspect kasih",
    "tell": "tell give say let know",
    "mine": "my mine i me our own saya aku gue gw gua punyaku posisiku portofolioku ku",
    "hold": "hold holding holdings held own owning have having got possess position positions portfolio book bag bags"
    " stack inventory posisi portofolio punya pegang exposure trades open running active outstanding live",
    "profit": "profit_and_loss profit profits loss losses gain gains return returns made earned lost earnings"
" untung rugi"
    " cuan unrealised unrealized floating worth value performance green red money winning losing ahead up down",
    "risk": "risk risks risky riskiness exposure exposed hedge hedged delta gamma theta vega rho greeks greek"
" value_at_risk"
    " health healthy sensitivity sensitive drawdown margin leverage leveraged safe risiko berisiko decay diversified"
    " concentrated concentration overexposed stress shock simulate scenario scenarios",
    "greek": "delta gamma theta vega rho greeks greek decay",
    "whatif": "what_if if suppose supposing assuming assume imagine scenario scenarios stress shock simulate"
" simulation"
    " kalau jika seandainya bila andaikan",
    "worst": "worst maximum max most biggest",
    "condition": "if when once whenever unless as soon until kalau jika bila ketika saat apabila after before"
    " automatically auto otomatis",
    "move": "drop drops dropped fall falls falling crash crashes dump dumps rise rises rally rallies pump"
" pumps jump jumps"
    " move moves moved gain gains lose loses tank tanks plunge plunges sink sinks climb climbs halves doubles triples"
    " double triple turun naik anjlok decline declines surge surges soar reaches hits goes spikes",
    "market": "price prices spot quote rate funding iv implied_volatility volatility volume mood sentiment"
" fear_greed fear"
    " greed fearful greedy market markets trading trades dvol basis perp perps open_interest harga pasar sentimen"
    " volatilitas ticker news feed feeds oracle premium term-structure skew",
    "now": "now right currently current today moment atm live latest sekarang saat ini hari present",
    "doing": "doing going looking move moved moving happening stand standing at kabar gimana bagaimana",
    "history": "history past previous prior closed old earlier historical statement track_record win_rate winrate"
    " performance perform performed report reports csv export download tax taxes lifetime overall"
" total realised realized"
    " ytd yesterday month week year riwayat histori kinerja laporan lalu kemarin summary results result log journal"
    " average statistics stats record",
    "alert": "alert alerts notification notifications notify notified warning warnings warn message messages"
" ping pinged"
    " inbox unread miss missed happen happened overnight updates update news events event triggered"
" trigger fired fire"
    " notifikasi notif peringatan semalam buzz alarm alarms popup attention asleep away noticed mail",
    "why": "why kenapa mengapa knp reason reasons reasoning rationale because",
    "explain": "explain explains explanation mean means meaning definition define describe difference understand"
" jelaskan"
    " jelasin maksud maksudnya artinya arti apa itu elaborate clarify teach concept work works based"
" basis detail details"
    " walk logic justify",
    "what": "what which whats apa apaan yang",
    "how": "how gimana bagaimana cara caranya",
    "should": "should shall would could can may might must boleh bisa haruskah sebaiknya worth smart wise better safe",
    "help": "help command commands tutorial guide manual docs documentation instruction instructions usage"
" faq support"
    " bantuan tolong bantu panduan perintah menu features feature capabilities capable abilities"
" started tour walkthrough",
    "setup": "setup set-up install configure configuration config settings setting connect wallet api_key rpc"
" email telegram"
    " network testnet mainnet key keys login account password environment switch enable change add",
    "use": "use using pakai pakainya gunakan operate works start type start",
    "recommend": "recommend recommendation recommendations recomend recommed suggest suggestion suggestions idea"
" ideas"
    " advice advise pick picks setup setups play plays opinion opinions rekomendasi saran sarankan"
" ide usul proposal propose"
    " tip tips call-out bet bets view think opportunity opportunities best trade strategy position",
    "feeling": "bullish bearish neutral bull bear optimistic pessimistic sideways flat volatile moon crash"
" believe expect think"
    " feel feeling hunch reckon guess bet convinced pump dump yakin kayaknya sepertinya rasa menurutku feeling",
    "alternative": "another other else different instead alternative alternatives again lain lainnya more cheaper"
" safer"
    " closer longer shorter bigger smaller higher lower riskier",
    "offer": "available offer offers offered offering strike strikes expiry expiries expiration expirations"
" chain premium"
    " premiums premia menu option options opsi contracts selection choices choice catalog catalogue"
" list listed tersedia"
    " pilihan ada straddle straddles strangle spread spreads weekly weeklies table product products strategies cheap"
    " cheapest cost costs expensive price prices",
    "yes": "yes yep yeah yea yup yess yas ya iya yoi y ok okay oke okey okeh k kk sure surely certainly"
" absolutely definitely"
    " alright fine great perfect good nice cool excellent awesome lgtm agreed agree accept accepted approve approved"
    " approving approval confirm confirmed confirming deal proceed execute go_ahead go_for_it"
" pull_trigger affirmative"
    " setuju gas gaskeun lanjut lanjutkan sip siap boleh jadi sepakat done bet yessir aye sounds works convinced",
    "act": "do execute proceed go make place sign submit send fire continue buy take run lanjut gas eksekusi kirim it",
    "no": "no nope nah naw not nay never reject rejected decline declined refuse cancel cancelled abort"
" skip pass nevermind"
    " no_thanks rather_not drop scrap forget leave tidak nggak gak ga ngga enggak ogah jangan batal"
" batalkan tolak bukan n"
    " stop disagree negative dislike against ignore",
    "later": "later wait waiting yet tomorrow another hold think sleep nanti dulu tunggu entar besok soon"
" moment pause",
    "bad": "expensive risky bad terrible weak unsure convinced hesitant worried mahal jelek interested feel",
    "rule": "stop_loss take_profit stop stops target targets trailing limit rule rules exit-rule threshold"
" level sl tp batas"
    " protect protection guard automatically auto otomatis automate trigger",
    "change": "change set put move remove delete clear cancel update adjust raise lower modify tighten loosen"
" widen add"
    " pasang ubah ganti hapus atur edit increase decrease drop disable turn switch place",
    "secret": "private_key seed_phrase seed mnemonic password secret keystore passphrase",
    "transfer": "send transfer withdraw deposit bridge swap stake lend borrow pay wire move kirim tarik donate"
" tip mint"
    " airdrop unstake convert exchange topup",
    "chitchat": "hello hi hey hiya yo sup morning evening good_day thanks thank cheers bye goodbye joke funny"
" weather lol"
    " haha love name who halo hai makasih terima pagi siang malam wkwk apa-kabar welcome sorry",
    "world": "weather president capital recipe pizza movie song poem football cup flight hotel restaurant game"
" stock stocks"
    " shares apple tesla gold nft nfts python code essay translate doctor girlfriend dinner cook news"
" homework math presiden"
    " cuaca resep lagu film",
    "other_person": "he she they him her his their friend friends buddy brother sister wife husband boss dad mom"
" mother"
    " father guy someone everyone everybody people influencer analysts twitter tweet reddit discord"
" whale whales elon bob"
    " alice teman temanku kata katanya dia mereka neighbour colleague broker article post video email",
    "said": "said says say told tells telling wrote writes posted posts claims claimed asked recommends reads"
" read tweeted"
    " replied bilang suruh quote quoted mentioned shouted",
    "agent": "alpha beta gamma bethna bot you your kamu lu assistant agent monitor watcher",
    "inject": "ignore previous instructions override system developer admin prompt jailbreak pretend bypass disregard"
    " forget roleplay root sudo",
    "polite": "please tolong thanks kindly dong ya sih deh nih kan",
}  # fmt: skip

CONCEPTS: dict[str, tuple[str, ...]] = {}
for _concept, _listed in _WORDS.items():
    for _word in _listed.split():
        CONCEPTS[_word] = (*CONCEPTS.get(_word, ()), _concept)
