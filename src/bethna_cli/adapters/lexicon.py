"""bethna's crypto lexicon: what traders' words, phrases and emoji are worth, on VADER's scale of -4 to +4.

It adds the trade's own words and replaces general entries that mislead here: a "share" is not generous, "pretty" and
"honestly" fill sentences, "lol" is not gladness. Entries say what a word means to a trader. Gaps were found on one half
of a set of labelled posts (odd SHA-1 of the text); the other half was only ever measured, by `benchmarks/sentiment.py`,
against plain VADER. Nothing here scores (see mood.py).

An underscore joins the words of a phrase; `#%` stands for any percentage, `#x` for any multiple.
"""

_BY_VALENCE = {
    3.2: """
        buy_the_dip lfg mooning moonshot to_moon to_the_moon wagmi""",
    2.8: """
        all_time_high all_time_highs bear_market_is_over bear_market_over bought_the_dip bright_future bull_market
        bull_run bull_runs bullish bullrun buy_the_fear buying_opportunity buying_the_dip crushed_it crushing_it
        diamond_handed diamond_hands early_retirement easy_money face_melting free_money game_changer
        generational_wealth gold_mine great_entry here_to_stay huge_opportunity huge_potential killing_it
        life_changing never_sell never_selling new_ath new_high new_highs next_big_thing no_brainer not_selling
        parabolic sky_rocket skyrocket skyrocketed skyrocketing so_much_potential under_valued undervalued""",
    2.3: """
        #x a_steal adoption all_in back_up_the_truck blast_off blastoff break_out breaking_out breakout broke_out
        bull bulls can't_go_wrong can't_stop cannot_stop double_down doubling_down financial_freedom flash_sale
        flippening future_of_finance future_of_money gem gems get_rich go_up goat goes_up going_all_in going_up
        golden_cross good_entry green_candle green_candles green_day ground_floor have_faith hidden_gem higher_highs
        higher_lows hodl hodled hodler hodlers hodling hold_strong hold_the_line in_the_green institutional_adoption
        keep_buying keep_stacking lambo let's_go lets_go make_a_killing mass_adoption massive_gains millionaire
        millionaires moon moonbound mooned never_give_up not_giving_up not_if_but_when on_sale outperform
        outperformance outperformed outperforming outperforms paid_off paying_off pays_off price_discovery pumping
        rallied rallies rally rallying revolutionary revolutionize ripping rocket rocketing safe_bet send_it
        sending_it shoot_up short_squeeze shot_up sky_is_the_limit soar soared soaring soars squeezing stack_sats
        stacking_sats stoked strong_hands supply_shock surge surged surges surging take_off taking_off took_off
        trust_the_process unstoppable up_from_here up_only uptrend went_up will_rise""",
    1.8: """
        accumulate accumulated accumulating accumulation actual_utility actual_value add_more added_more adding_more
        adopt adopted adopting adopts ain't_going_anywhere all_like also_like antifragile approval approved ath aths
        bank_the_unbanked bargain beats believe_in believer best best_performing blue_chip bottom_is_in bottomed
        bounce bounce_back bounced bouncing breakthrough bull_flag bullish_divergence buyers call_options came_back
        can't_wait cant_wait censorship_resistant cheap_fees cheap_gas cheap_transactions climb climbed climbing
        climbs come_back comeback comfy coming_back confident conviction cup_and_handle cutting_edge dca dcaing
        did_well digital_gold discount do_like does_well doing_great doing_well don't_sell dont_sell doubled
        early_adopter early_adopters energy_efficient etf_approval excited feeless finite_supply for_the_win ftw
        gained gains genuine good_bet green_dildo green_dildos halvening halving hard_money has_value heating_up
        hedge_against hold_tight i_like in_profit inevitable inflows inherent_value innovation innovative
        intrinsic_value isn't_going_anywhere jumped jumps keep_hodling keep_holding lambos legit like_it like_this
        limited_supply load_up loaded_up loading_up long_haul long_term longed longevity longs looking_forward
        low_cost low_fee low_fees low_gas lower_fees made_a_lot made_money make_money making_money more_secure
        most_secure my_favorite my_favourite never_sold no_cost no_fee no_fees no_reason_to_sell not_going_anywhere
        overweight partnership partnerships passive_income perform_well performing_well permissionless plus_#%
        potential profitability profitable promising pump pumped pumped_about pumped_for pumps quadrupled
        real_use_case real_utility real_value real_world_use really_like rebound rebounded rebounding rebounds
        recommend recommended record_high recover recovered recovering recovers recovery resilient revolution rises
        rising rock_solid rose scarcity sleeper sleeping_giant so_early solid_project sound_money stake staked
        staking stay_strong still_early store_of_wealth strong_fundamentals strong_project the_bottom_is_in
        the_future tripled trustless ultra_sound ultrasound underrated up_#% up_trend upgrade upgraded upgrades
        upside very_secure we_like well_worth without_cost won't_sell worth_it wouldn't_sell zero_fee zero_fees""",
    1.2: """
        active ahead airdrop airdrops apy audited averaging backbone backed_by battle_tested better_than bid
        borderless bought bought_more bought_some bounces buckle_up bull_case buy buy_more buy_some buying buying_in
        buying_more calls carbon_neutral cheap cheaper community compounding decentralisation decentralised
        decentralization decentralized deflationary discounted dollar_cost dominance dominate dominates don't_worry
        dont_worry double earn earned earning earnings easier easiest easily eco_friendly ecosystem eoy every_month
        every_week exciting expand expands expansion explode exploding faith fast faster flip fly flying freedom
        fundamentals future gain get_more gold_standard grew grow growing grows growth hedge held higher hold
        holding huge hyped in_the_long_run instant instantly institution institutional institutions integrates
        integration interested invest invested investing king launch launches leader leading long long_run love_this
        lucky massive milestone milestones momentum more_places more_than_ever next_bull number_1 outlast outpace
        oversold patience patient pays pick_up_some picked_up popular privacy profit profits raised raises ready
        real_world renewable retire rise sale scalable scaling scarce seamless secured self_custody shop shopping
        stability stable stack stacked stacking staking_rewards still_here store_of_value support supports target
        transparent triple unbanked usability usable use_case use_cases utility valuable value will_hit will_reach
        win winner wins yield zoom_out""",
    0.5: """
        adding asset assets care clean developers developing devs easy foundation free global green hope hopefully
        hoping important interesting next_cycle open_source proof_of_stake quick reach retirement reversal safe
        safety seconds simple smart super top_10 true up use using works years_from_now""",
    0.0: """
        alone ape apes aping argue ass attract attracted bad_ass badass battle certain certainly chart charts
        clearly cool crash_course crazy create created creates creating credit damn dear debate degen degens energy
        engage fair_enough fight fire friend friends fun_fact game games gas generous god gross ha haha hahaha hard
        hard_cap hard_fork hedge_fund hell hell_yeah help honest honestly increase increased increases insane
        interest interests irs jump jumping kill kind l leave leaves leaving legal like limited lmao lmfao lol low
        low_cap matter matters mine miner miners mines mining mock moons natural no no_way novel number number_one
        ok okay original paid party pay play played player playing please pretty promise promises promote promoting
        proof rofl safe_haven save saved saves saving savings sec secure securities security serious seriously share
        shared shares sharing significant smart_contract smart_contracts special stop stop_loss strange supreme sure
        surprise token tokens top treasury trust trusted trusts united vision want wants war weak_hands well wild
        yeah yep yes""",
    -0.6: """
        behind below bots bros down exit funny just_a maximalists maxis nah red short tax taxation taxed taxes
        unlikely unlock unlocks unregulated whale whales why_would_i withdrawals""",
    -1.2: """
        bag bags be_careful bear_market bot bug bugs can't_use carbon centralisation centralised centralization
        centralized congested congestion cons correction corrections costly crab crabbing cut cuts delay delayed
        delays dinosaur dip dipped dipping dips drugs electricity energy_consumption environmental exited expensive
        fee fees freeze froze frozen glitch good_luck got_out haircut high_risk hustle hype inflationary insiders
        investigates investigation issue issues just_another lack lacking lacks lagging lower meme_coin meme_coins
        memecoin memecoins miss missed misses missing moonboy never_going_to no_one_accepts nobody_accepts outflow
        outflows overbought probe probes profit_taking pull_back pullback put_options puts regret regrets regulate
        regulation regulations religion resistance rich_get_richer rip risky sell sellers selling sells sheep shit
        shitpost shitposting shitty shorted shorting shorts sideways slip slipped slips slow slower sold speculation
        speculative speculators stagnant stuck subpoena subpoenas sus take_profit taking_profits tether too_late
        uncertain uncertainty unstable volatile volatility winter""",
    -1.8: """
        avoid backed_by_nothing ban banned banning bans bear bear_flag bear_trap bearish_divergence bears beware
        bled bleed bleeding bleeds blood_bath brainwashed break_down breakdown breaking_down broke_down brutal
        bubble bubbles buggy bull_trap burned burnt buzzword buzzwords can't_even can't_work capitulate capitulated
        capitulation cash_out cashed_out cashing_out casino circlejerk cliff clown clowns clunky con concern
        concerns conned contraction cooked cope copium costs_too_much crackdown crackdowns criminal criminals cringe
        crypto_bros crypto_winter cryptobros dead_cat dead_cat_bounce dead_end dead_money death_cross decline
        declined declines declining delist delisted delisting diluted dilution do_not_buy doesn't_work don't_buy
        don't_touch dont_buy double_top down_#% down_bad down_trend downgrade downgraded downgrades downside
        downtime downtrend drop dropped dropping drops dumb_money dumped dumping dumps echo_chamber evaporate
        evaporated fad fall falling falls fear fears fed_up fell fomo fomoed foolish fud further_down gamble gambler
        gamblers gambling garbage gas_fees gave_up get_out getting_out gimmick give_up giving_up go_down goes_down
        going_down greed greedy halted head_and_shoulders high_fees high_gas hopium i'm_out illegal illicit im_out
        impractical in_the_red indicted inefficient infinite_supply influencers insider_trading it's_over its_over
        joke laughable launder laundering lawsuit lawsuits limited_use lose loser losers loses losing losing_faith
        loss losses lost lost_access lost_faith lost_hope lower_highs lower_low lower_lows manipulate manipulated
        manipulating manipulation minus_#% mistake mistakes money_laundering more_pain much_longer narrative
        never_again never_touch no_bottom no_hope no_one_uses no_one_wants nobody_uses nobody_wants nonsense
        nonsensical not_a_currency not_an_investment not_backed not_going_to_happen not_gonna_happen not_money
        not_sustainable not_the_bottom not_work obsolete oof outage outages outdated over_valued overhyped
        overpriced overrated overvalued panic panic_sell panic_selling panic_sold panicked panicking paper_handed
        paper_hands plummet plummeted plummeting plummets plunge plunged plunges plunging pointless popping premine
        premined propaganda pulled_out ransomware recession red_candle red_candles red_day red_flag red_flags
        rejected rejection robbed ruin ruined sank sell_off sell_offs sell_pressure selling_off selling_pressure
        selloff shill shilled shilling shills shit_coin shit_coins shitcoin shitcoins should've_sold
        should_have_sold sick_of sink sinking sinks slid slide slides sliding slowest slump slumped slumping slumps
        sold_all sold_all_my sold_everything solution_in_search solution_looking_for_a_problem stay_away stay_out
        steer_clear sued sues suing suit suspended tank tanked tanking tanks tired_of toast toilet too_risky
        too_slow too_volatile traffickers trafficking trash tumble tumbled tumbles tumbling underperform
        underperformed underperforming underperforms underwater unlimited_supply unreliable unsustainable unusable
        useless vanish vanished vaporware wash_trading waste waste_of waste_of_energy waste_of_money waste_of_time
        wasted wasting went_down whales_dumping why_would_anyone will_drop wiped wish_i_hadn't wish_i_never
        won't_happen won't_touch worried worries worry worrying wouldn't_touch wrecked yikes""",
    -2.4: """
        bag_holder bag_holders bagholder bagholders bagholding bankrupt bankruptcy beanie_babies bearish bigger_fool
        bigger_fools blew_up bloodbath blow_up blown_up boiling_the_planet can't_withdraw carnage cash_grab collapse
        collapsed collapses collapsing contagion crash crashed crashes crashing cult cultish days_are_numbered dead
        dead_coin dead_project death_spiral delusion delusional depeg depegged depegging depegs die dies do_nothing
        does_nothing drain drained dumpster_fire dying exit_liquidity exploit exploited exploits fake free_fall
        freefall get_rekt go_to_zero goes_to_zero going_to_zero good_luck_with_that got_rekt greater_fool
        greater_fools grift grifter grifters gutted hack hacked hacker hackers hacks heavy_bags holding_bags
        holding_the_bag house_of_cards implode imploded implodes imploding insolvency insolvent is_dead
        lack_of_intrinsic_value lacks_intrinsic_value liquidate liquidated liquidation liquidations locked_out
        lose_money losing_money lost_all lost_everything lost_it_all lost_money malware margin_call margin_called
        margin_calls meltdown money_grab monopoly_money moonboys nail_in_the_coffin never_recover ngmi no_future
        no_inherent_value no_intrinsic_value no_point no_purpose no_real_purpose no_real_use no_real_utility
        no_real_value no_use no_use_case no_utility no_value not_coming_back not_going_to_last not_going_to_make_it
        nuke nuked nukes nuking off_a_cliff off_the_cliff phishing pump_&_dump pump_and_dump pump_n_dump rekt
        rip-off rip_off ripoff run_away scammy scummy shady shatter shattered shit_show shitshow sketchy snake_oil
        stay_far_away steal stealing stole stolen to_zero train_wreck trainwreck tulip tulip_mania tulips wipe_out
        wiped_out won't_last won't_recover zero""",
    -3.2: """
        con_artist con_artists embezzled embezzlement exit_scam exit_scammed fraud frauds fraudster fraudulent
        honeypot mlm ponzi ponzi_scheme ponzi_schemes ponzis pull_the_rug pulled_the_rug pyramid_scheme
        pyramid_schemes rug rug_pull rug_pulled rug_pulls rugged rugging rugpull rugpulls rugs scam scamcoin
        scamcoins scammed scammer scammers scamming scams slow_rug soft_rug worthless""",
}

_EMOJI_BY_ENTRY = {
    "rocket": "🚀", "moon": "🌙🌕🌝", "gem": "💎", "strong_hands": "🙌", "mooning": "🔥", "rally": "📈", "green": "🟢",
    "bull": "🐂🐃", "confident": "💪", "profit": "💰🤑", "excited": "🥳🎉", "win": "🏆🎯✅", "king": "👑",
    "slump": "📉", "red": "🔴", "bear": "🐻", "bleeding": "🩸", "dead": "💀☠⚰", "clown": "🤡", "garbage": "🗑💩",
    "fear": "🚨⚠😱", "losing": "😭", "paper_hands": "🧻", "": "😂🤣😅👀🤔🙏🐋🐳🦍🌊",
}  # fmt: skip

EMOJI = {emoji: entry for entry, emojis in _EMOJI_BY_ENTRY.items() for emoji in emojis}
"""Emoji and the lexicon entry each stands for; an empty one is worth nothing here."""

VALENCE = {entry: valence for valence, entries in _BY_VALENCE.items() for entry in entries.split()}
"""Entry to valence. An entry with an underscore is a phrase of that many words."""
